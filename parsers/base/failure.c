/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/base/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *status_name(enum status status)
{
	switch (status) {
	case STATUS_OK:
		return "ok";
	case STATUS_END:
		return "end";
	case STATUS_DECLINED:
		return "declined";
	case ERR_NO_MEMORY:
		return "no-memory";
	case ERR_IO:
		return "io";
	case ERR_TRUNCATED:
		return "truncated";
	case ERR_FORMAT:
		return "format";
	case ERR_UNSUPPORTED:
		return "unsupported";
	case ERR_LIMIT:
		return "limit";
	case ERR_UNREADABLE:
		return "unreadable";
	case ERR_ENCRYPTED:
		return "encrypted";
	case ERR_CANCELLED:
		return "cancelled";
	}
	return "unknown";
}

static enum status set(struct failure *why, enum status status, uint64_t offset,
		       const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static enum status set(struct failure *why, enum status status, uint64_t offset,
		       const char *format, va_list args)
{
	if (!why)
		return status;
	why->status = status;
	why->offset = offset;
	(void)vsnprintf(why->text, sizeof(why->text), format, args); /* cut is fine */
	return status;
}

enum status failure_set(struct failure *why, enum status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(why, status, FAILURE_NO_OFFSET, format, args);
	va_end(args);
	return status;
}

enum status failure_at(struct failure *why, enum status status, uint64_t offset,
		       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(why, status, offset, format, args);
	va_end(args);
	return status;
}

enum status failure_wrap(struct failure *why, const char *format, ...)
{
	char context[sizeof(why->text)];
	char message[sizeof(why->text)];
	va_list args;

	memcpy(message, why->text, sizeof(message));
	va_start(args, format);
	(void)vsnprintf(context, sizeof(context), format, args); /* cut is fine */
	va_end(args);

	const int room = (int)(sizeof(why->text) - strlen(context));

	(void)snprintf(why->text, sizeof(why->text), "%s: %.*s", context, room > 3 ? room - 3 : 0,
		       message);
	return why->status;
}
