/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/job.h"

#include <inttypes.h>
#include <stdlib.h>

void message_order(struct message *m, const struct job_order *order)
{
	message_u8(m, (uint8_t)order->kind);
	message_u32(m, order->evidence);
	message_u64(m, order->offset);
	message_u64(m, order->size);
	message_u32(m, order->logical);
	message_u32(m, order->snapshot);
	message_text(m, order->path.data ? order->path : TEXT(""));
	message_u64(m, order->entry);
	message_u64(m, order->sequence);
	message_u64(m, order->file_size);
	message_u8(m, order->deleted);
	for (size_t i = 0; i < JOB_MAX_PARSERS / 64; i++)
		message_u64(m, order->parsers[i]);
	message_u8(m, (uint8_t)order->n_companions);
	for (size_t i = 0; i < order->n_companions; i++) {
		message_text(m, order->companions[i].path);
		message_u64(m, order->companions[i].entry);
		message_u64(m, order->companions[i].sequence);
	}
}

void read_order(struct cursor *c, struct job_order *ret)
{
	struct job_order order = { 0 };
	const unsigned kind = cursor_u8(c);

	if (kind > JOB_LAST)
		c->status = ERR_FORMAT;
	order.kind = (enum job_kind)kind;
	order.evidence = cursor_u32le(c);
	order.offset = cursor_u64le(c);
	order.size = cursor_u64le(c);
	order.logical = cursor_u32le(c);
	order.snapshot = cursor_u32le(c);
	order.path = read_required(c);
	order.entry = cursor_u64le(c);
	order.sequence = cursor_u64le(c);
	order.file_size = cursor_u64le(c);
	order.deleted = cursor_u8(c) == 1;
	for (size_t i = 0; i < JOB_MAX_PARSERS / 64; i++)
		order.parsers[i] = cursor_u64le(c);

	size_t n_parsers = 0;

	while (all_parsers[n_parsers])
		n_parsers++;
	for (size_t i = n_parsers; i < JOB_MAX_PARSERS; i++)
		if (job_has_parser(&order, i))
			c->status = ERR_FORMAT;
	order.n_companions = cursor_u8(c);
	if (order.n_companions > SOURCE_MAX_COMPANIONS) {
		order.n_companions = 0;
		c->status = ERR_FORMAT;
	}
	for (size_t i = 0; i < order.n_companions; i++) {
		order.companions[i].path = read_required(c);
		order.companions[i].entry = cursor_u64le(c);
		order.companions[i].sequence = cursor_u64le(c);
	}
	*ret = order;
}

bool job_asks_folders(const struct job_order *order)
{
	bool asks = false;

	for (size_t i = 0; all_parsers[i]; i++)
		asks |= all_parsers[i]->asks_folders && job_has_parser(order, i);
	return asks;
}

bool job_carves(const struct job_order *order)
{
	bool carves = false;

	for (size_t i = 0; all_parsers[i]; i++)
		carves |= all_parsers[i]->carves && job_has_parser(order, i);
	return carves;
}
