/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/base/cursor.h"

struct span cursor_take(struct cursor *c, size_t n)
{
	struct span taken = { NULL, 0 };

	if (c->status < 0)
		return taken;
	if (n > cursor_left(c)) {
		c->status = ERR_TRUNCATED;
		return taken;
	}
	taken = (struct span){ c->bytes.data + c->pos, n };
	c->pos += n;
	return taken;
}

void cursor_seek(struct cursor *c, size_t pos)
{
	if (c->status < 0)
		return;
	if (pos > c->bytes.size)
		c->status = ERR_TRUNCATED;
	else
		c->pos = pos;
}

void cursor_skip(struct cursor *c, size_t n)
{
	(void)cursor_take(c, n); /* only the move matters */
}

static uint64_t little(struct span s)
{
	uint64_t value = 0;

	for (size_t i = s.size; i > 0; i--)
		value = value << 8 | s.data[i - 1];
	return value;
}

static uint64_t big(struct span s)
{
	uint64_t value = 0;

	for (size_t i = 0; i < s.size; i++)
		value = value << 8 | s.data[i];
	return value;
}

uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)little(cursor_take(c, 1));
}

uint16_t cursor_u16le(struct cursor *c)
{
	return (uint16_t)little(cursor_take(c, 2));
}

uint32_t cursor_u32le(struct cursor *c)
{
	return (uint32_t)little(cursor_take(c, 4));
}

uint64_t cursor_u64le(struct cursor *c)
{
	return little(cursor_take(c, 8));
}

uint16_t cursor_u16be(struct cursor *c)
{
	return (uint16_t)big(cursor_take(c, 2));
}

uint32_t cursor_u32be(struct cursor *c)
{
	return (uint32_t)big(cursor_take(c, 4));
}

uint64_t cursor_u64be(struct cursor *c)
{
	return big(cursor_take(c, 8));
}
