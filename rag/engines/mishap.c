#include "rag/engines/mishap.h"

const char *const mishap_names[MISHAPS] = {
#define MISHAP(name) #name,
	MISHAP_LIST(MISHAP)
#undef MISHAP
};

enum mishap mishap_of(err_t err, long status)
{
	if (err == ERR_EXPIRED)
		return MISHAP_timeout;
	if (status == 401 || status == 403)
		return MISHAP_unauthorized;
	if (status == 429)
		return MISHAP_rate_limited;
	if (status >= 500)
		return MISHAP_failed;
	if (status >= 300)
		return MISHAP_refused;
	return status || err == ERR_SYNTAX || err == ERR_TOO_LARGE ? MISHAP_invalid
								   : MISHAP_unreachable;
}
