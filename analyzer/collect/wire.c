/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/wire.h"

#include <errno.h>
#include <sys/socket.h>

#include "parsers/base/text.h"

enum { HEADER = 4 }; /* bytes of the length in front */

static void append(struct message *m, const void *data, size_t size)
{
	if (size > MESSAGE_MAX || m->size > MESSAGE_MAX - size)
		m->failed = true;
	if (m->failed)
		return;
	if (size > m->room - m->size) {
		size_t room = m->room ? m->room : 512;

		while (room < m->size + size)
			room *= 2;

		uint8_t *grown = realloc(m->data, room);

		if (!grown) {
			m->failed = true;
			return;
		}
		m->data = grown;
		m->room = room;
	}
	if (size)
		memcpy(m->data + m->size, data, size);
	m->size += size;
}

static void store_u32(uint8_t *out, uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(number >> 8 * i);
}

void message_u8(struct message *m, uint8_t number)
{
	append(m, &number, 1);
}

void message_u32(struct message *m, uint32_t number)
{
	uint8_t bytes[4];

	store_u32(bytes, number);
	append(m, bytes, sizeof(bytes));
}

void message_u64(struct message *m, uint64_t number)
{
	message_u32(m, (uint32_t)number);
	message_u32(m, (uint32_t)(number >> 32));
}

void message_bytes(struct message *m, struct span bytes)
{
	if (bytes.size > MESSAGE_MAX)
		m->failed = true;
	message_u32(m, (uint32_t)bytes.size);
	append(m, bytes.data, bytes.size);
}

void message_text(struct message *m, struct text text)
{
	if (text.data)
		message_bytes(m, span_of(text.data, text.size));
	else
		message_u32(m, ABSENT_TEXT);
}

void message_instant(struct message *m, struct instant instant)
{
	message_u64(m, (uint64_t)instant.ticks);
	message_u64(m, (uint64_t)instant.precision);
	message_u8(m, instant.zone);
	message_u8(m, instant.state);
}

void message_start(struct message *m, enum message_type type)
{
	m->size = 0;
	m->failed = false;
	message_u32(m, 0); /* the length, set when it is sent */
	message_u8(m, (uint8_t)type);
}

struct text read_text(struct cursor *c)
{
	const uint32_t size = cursor_u32le(c);

	if (size == ABSENT_TEXT)
		return (struct text){ NULL, 0 };

	const struct span bytes = cursor_take(c, size);
	const struct text text = { bytes.data ? (const char *)bytes.data : "", bytes.size };

	if (!text_is_utf8(text))
		c->status = ERR_FORMAT;
	return text;
}

struct text read_required(struct cursor *c)
{
	const struct text text = read_text(c);

	if (!text.data || memchr(text.data, 0, text.size))
		c->status = ERR_FORMAT;
	return text;
}

struct instant read_instant(struct cursor *c)
{
	struct instant instant;

	instant.ticks = (int64_t)cursor_u64le(c);
	instant.precision = (int64_t)cursor_u64le(c);
	instant.zone = cursor_u8(c);
	instant.state = cursor_u8(c);
	if (instant.zone > ZONE_OFFSET || instant.state > INSTANT_INVALID || instant.precision < 0)
		c->status = ERR_FORMAT;
	return instant;
}

enum status message_send(int fd, struct message *m, struct failure *why)
{
	if (m->failed)
		return failure_set(why, ERR_LIMIT, "message too large");
	store_u32(m->data, (uint32_t)(m->size - HEADER));
	for (size_t sent = 0; sent < m->size;) {
		const ssize_t n = send(fd, m->data + sent, m->size - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failure_set(why, ERR_IO, "send: %s", strerror(errno));
		sent += (size_t)n;
	}
	return STATUS_OK;
}

/* Fills buffer; STATUS_END when the peer closed before the first byte. */
static enum status receive_exactly(int fd, uint8_t *buffer, size_t size, struct failure *why)
{
	for (size_t have = 0; have < size;) {
		const ssize_t n = recv(fd, buffer + have, size - have, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 && have == 0)
			return STATUS_END;
		if (n <= 0)
			return failure_set(why, ERR_IO, "receive: %s",
					   n < 0 ? strerror(errno) : "cut short");
		have += (size_t)n;
	}
	return STATUS_OK;
}

enum status message_receive(int fd, struct message *m, struct failure *why)
{
	uint8_t header[HEADER];
	enum status status = receive_exactly(fd, header, sizeof(header), why);

	if (status != STATUS_OK)
		return status;

	const uint32_t size = span_u32le(span_of(header, sizeof(header)), 0);

	if (size == 0 || size > MESSAGE_MAX)
		return failure_set(why, ERR_FORMAT, "message of %u bytes", size);

	uint8_t *data = realloc(m->data, size);

	if (!data)
		return failure_set(why, ERR_NO_MEMORY, "message of %u bytes", size);
	m->data = data;
	m->room = size;
	m->size = size;
	status = receive_exactly(fd, m->data, size, why);
	return status == STATUS_END ? failure_set(why, ERR_IO, "receive: cut short") : status;
}
