/* Which options applications may give to hipRTC, and why not the others; docs/options.md says the same to
 * people. */
#ifndef QJ_COMPILE_PLAN_OPTIONS_H
#define QJ_COMPILE_PLAN_OPTIONS_H

/* Why an option that qj_plan_option_allowed refuses is refused; never NULL. */
const char *qj_plan_option_reason(const char *option);

#endif
