/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/volume_stack.h"

static enum status open_logical(struct volume_stack *stack, uint32_t number, struct failure *why)
{
	char name[256];
	enum status status = lvm_open(stack->top, &stack->lvm, why);

	if (status == STATUS_OK)
		status = lvm_open_volume(stack->lvm, number - 1, name, &stack->logical, why);
	if (status == STATUS_OK)
		stack->top = stack->logical;
	return status;
}

static enum status open_plain(struct volume_stack *stack, struct secret_list secrets,
			      struct failure *why)
{
	const enum status status = unlock(stack->top, secrets, &stack->plain, why);

	if (status == STATUS_OK)
		stack->top = stack->plain;
	return status == STATUS_DECLINED ? STATUS_OK : status;
}

/* The index of the shadow copy of that time. STATUS_END when there is none. */
static enum status find_snapshot(struct snapshot_set *set, struct instant created, size_t *ret,
				 struct failure *why)
{
	for (size_t i = 0; i < snapshots_count(set); i++) {
		struct snapshot one;
		const enum status status = snapshot_describe(set, i, &one, why);

		if (status < 0)
			return status;
		*ret = i;
		if (one.created.ticks == created.ticks)
			return STATUS_OK;
	}
	return STATUS_END;
}

static enum status open_snapshot(struct volume_stack *stack, const struct volume_place *place,
				 struct failure *why)
{
	size_t i = place->snapshot - 1;
	enum status status = snapshots_open(stack->top, &stack->snapshots, why);

	if (status == STATUS_OK && !place->snapshot)
		status = find_snapshot(stack->snapshots, place->snapshot_created, &i, why);
	if (status == STATUS_OK)
		status = snapshot_open(stack->snapshots, i, &stack->snapshot, why);
	if (status == STATUS_OK)
		stack->top = stack->snapshot;
	return status == STATUS_END ? failure_set(why, ERR_FORMAT, "no such snapshot") : status;
}

enum status volume_stack_open(struct volume_stack *stack, struct stream *medium,
			      const struct volume_place *place, struct secret_list secrets,
			      struct failure *why)
{
	enum status status =
		stream_window(medium, place->offset, place->size, &stack->window, why);

	stack->top = stack->window;
	if (status == STATUS_OK && place->logical)
		status = open_logical(stack, place->logical, why);
	if (status == STATUS_OK)
		status = open_plain(stack, secrets, why);
	if (status == STATUS_OK && (place->snapshot || instant_is_set(place->snapshot_created)))
		status = open_snapshot(stack, place, why);
	return status == STATUS_OK ? view_open(stack->top, &stack->view, why) : status;
}

/* From the top down: each stands on the one after it. */
void volume_stack_close(struct volume_stack *stack)
{
	view_close(stack->view);
	stream_close(stack->snapshot);
	if (stack->snapshots)
		snapshots_close(stack->snapshots);
	stream_close(stack->plain);
	stream_close(stack->logical);
	if (stack->lvm)
		lvm_close(stack->lvm);
	stream_close(stack->window);
	*stack = (struct volume_stack){ 0 };
}
