/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COMMAND_SECRETS_H
#define AVOUCH_ANALYZER_COMMAND_SECRETS_H

#include "analyzer/collect/unlock.h"

/* The options of every command that reads evidence, for encrypted volumes. */

enum { SECRETS_MAX = 32 };

/* Starts with what $AVOUCH_SECRET holds, if it is set. Borrowed pointers; never written anywhere. */
struct given_secrets {
	const char *items[SECRETS_MAX];
	size_t n;
};

void secrets_from_environment(struct given_secrets *secrets);

/* Takes one option as getopt_long gave it; false when it is none of these or cannot be read. */
bool secret_option(struct given_secrets *secrets, int option, const char *argument);

struct secret_list secrets_given(const struct given_secrets *secrets);

#define SECRET_LONG_OPTIONS                                                                        \
	{ "secret-file", required_argument, NULL, 3001 },                                          \
	{ "startup-key", required_argument, NULL, 3002 },                                          \
	{ "password", required_argument, NULL, 3003 }, { "recovery-key", required_argument, NULL, 3003 }
#define SECRET_HELP                                                                                \
	"      --secret-file FILE   a password or recovery key on the file's first line\n"         \
	"      --startup-key FILE   a BitLocker startup key (.BEK)\n"                              \
	"      --password TEXT, --recovery-key TEXT   the same in the open (mind the history);\n"  \
	"                           AVOUCH_SECRET in the environment holds one too\n"

#endif
