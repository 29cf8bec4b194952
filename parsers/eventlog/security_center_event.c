/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the Windows Security Center service, provider SecurityCenter, channel Application:
 * 15 a product reported its state, 16 the report failed, 17 the product could not be validated.
 * One item "<product>, SECURITY_PRODUCT_STATE_<ON|OFF|SNOOZED|EXPIRED>", or two.
 */
#include "parsers/eventlog/families.h"

enum { CENTER_PRODUCT = EVENT_FIELDS, CENTER_STATE };

const struct trace_type event_security_center_type = {
	.name = "windows.event.security-center",
	.message = "Security Center event {event_id}: {product} {state}",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[CENTER_PRODUCT] = { "product", VALUE_TEXT, ASPECT_PROGRAM, 0, "Product" },
		[CENTER_STATE] = { "state", VALUE_TEXT, 0, 0, "State" },
		{ 0 },
	},
};

static void refine_state(struct arena *arena, const struct event *event, struct value *values)
{
	struct text product = event_item_at(event, 1);
	static const char mark[] = ", SECURITY_PRODUCT_STATE_";

	(void)arena;
	if (!product.data || event_item_at(event, 2).data)
		return;

	const char *found = memmem(product.data, product.size, mark, sizeof(mark) - 1);

	if (!found)
		return;

	const size_t size = (size_t)(found - product.data);

	values[CENTER_PRODUCT] = value_text((struct text){ product.data, size });
	values[CENTER_STATE] =
		value_text((struct text){ found + 2, product.size - size - 2 });
}

static const struct field_source state_sources[] = {
	{ CENTER_PRODUCT, 1, "param1", TAKE_TEXT },
	{ CENTER_STATE, 2, "param2", TAKE_TEXT },
	{ 0 },
};

const struct event_rule security_center_rules[] = {
	{ "SecurityCenter", NULL, 15, 17, &event_security_center_type, state_sources,
	  refine_state },
	{ 0 },
};
