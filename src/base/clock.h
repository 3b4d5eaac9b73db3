/* Time for deadlines and figures (monotonic) and for rows (seconds since 1970). */
#ifndef QJ_BASE_CLOCK_H
#define QJ_BASE_CLOCK_H

#include <stdint.h>

uint64_t qj_clock_us(void);
int64_t qj_clock_epoch_s(void);

#endif
