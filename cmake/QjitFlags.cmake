# Flags of every target: C11 and C++17, the warnings of the house rules, sanitizers, ccache where there is one.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # _GNU_SOURCE below; C11 itself is kept to by -Wpedantic
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(QJIT_CCACHE ccache)
if(QJIT_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${QJIT_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${QJIT_CCACHE})
endif()

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)
if(QJIT_WERROR)
    add_compile_options(-Werror)
endif()

if(QJIT_SANITIZE)
    add_compile_options(-fsanitize=${QJIT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${QJIT_SANITIZE})
endif()
