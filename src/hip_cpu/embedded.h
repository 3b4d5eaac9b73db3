/* The prelude's headers as text; generated (embed.cmake). */
#ifndef QJ_HIP_CPU_EMBEDDED_H
#define QJ_HIP_CPU_EMBEDDED_H

namespace hipcpu {

struct Embedded {
    const char *name, *text;
};
extern const Embedded embedded[]; /* name NULL ends it */

} // namespace hipcpu

#endif
