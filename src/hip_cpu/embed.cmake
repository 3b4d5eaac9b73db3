# Writes embedded.cpp: each prelude header as a string.  cmake -DOUT=... -DDIR=... -P embed.cmake
set(text "#include \"embedded.h\"\nnamespace hipcpu {\nconst Embedded embedded[] = {\n")
foreach(name abi.h prelude.h prelude_math.h prelude_types.h prelude_atomic.h prelude_launch.h prelude_checked.h)
    file(READ ${DIR}/${name} content)
    string(APPEND text "{\"${name}\", R\"QJ_PRELUDE(${content})QJ_PRELUDE\"},\n")
endforeach()
string(APPEND text "{nullptr, nullptr}};\n}\n")
file(WRITE ${OUT} "${text}")
