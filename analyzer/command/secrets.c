/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool take(struct given_secrets *secrets, const char *secret)
{
	if (!secret || secrets->n == SECRETS_MAX)
		return false;
	secrets->items[secrets->n++] = secret;
	return true;
}

/* A secret's file holds it alone on its first line; it is read here and kept nowhere else. */
static const char *read_secret(const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (!in)
		return NULL;

	const ssize_t size = getline(&line, &room, in);

	(void)fclose(in); /* only read from */
	if (size <= 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\r\n")] = '\0';
	return line; /* lives as long as the process */
}

static bool is_startup_key(const char *path)
{
	const size_t n = strlen(path);

	return n > 4 && strcasecmp(path + n - 4, ".bek") == 0;
}

void secrets_from_environment(struct given_secrets *secrets)
{
	const char *secret = getenv("AVOUCH_SECRET");

	if (secret && *secret)
		(void)take(secrets, secret); /* the first: there is room */
}

bool secret_option(struct given_secrets *secrets, int option, const char *argument)
{
	switch (option) {
	case 3001:
		return take(secrets, read_secret(argument));
	case 3002:
		return is_startup_key(argument) && take(secrets, argument);
	case 3003:
		return take(secrets, argument);
	default:
		return false;
	}
}

struct secret_list secrets_given(const struct given_secrets *secrets)
{
	return (struct secret_list){ secrets->items, secrets->n };
}
