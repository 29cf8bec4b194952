/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/unlock.h"

#include <strings.h>

#include "parsers/stream/encrypted.h"

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), m = strlen(end);

	return n >= m && strcasecmp(text + n - m, end) == 0;
}

/* Eight groups of six digits: libbde takes nothing else for a recovery key, and then gives up. */
static bool is_recovery_key(const char *secret)
{
	enum { GROUPS = 8, DIGITS = 6 };

	for (size_t i = 0; i < GROUPS; i++, secret += DIGITS + 1) {
		if (strspn(secret, "0123456789") != DIGITS ||
		    secret[DIGITS] != (i + 1 < GROUPS ? '-' : '\0'))
			return false;
	}
	return true;
}

/* The secret as what it can be: a key file by its name, a password, and a recovery key by its form. */
static struct secrets as_secrets(const char *secret)
{
	if (ends_with(secret, ".bek"))
		return (struct secrets){ .startup_key_path = secret };
	return (struct secrets){ .password = secret,
				 .recovery_password = is_recovery_key(secret) ? secret : NULL };
}

enum status unlock(struct stream *volume, struct secret_list secrets, struct stream **ret,
		   struct failure *why)
{
	const struct secrets none = { 0 };
	enum status status = encrypted_open(volume, &none, ret, why);

	for (size_t i = 0; status == ERR_ENCRYPTED && i < secrets.n; i++) {
		const struct secrets one = as_secrets(secrets.items[i]);

		status = encrypted_open(volume, &one, ret, why);
	}
	return status;
}
