/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who used the machine, and which machine it is:
 *   SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\<SID>: ProfileImagePath,
 *     LocalProfileLoadTimeHigh and Low, LocalProfileUnloadTimeHigh and Low (FILETIME halves)
 *   SAM\SAM\Domains\Account, value V: its last 12 bytes are the three numbers of the machine's
 *     SID S-1-5-21-a-b-c
 * A domain's accounts stand in ProfileList too: the SID of the machine comes from SAM; from
 * ProfileList (basis "profile") it is one of those that local accounts or a domain gave.
 * Source: winreg-kb, system-keys and security-accounts-manager-keys.
 */
#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum { SID, PATH, LOADED, UNLOADED, PROFILE_N };

static const struct trace_field profile_fields[] = {
	[SID] = FIELD("sid", TEXT, "SID"),
	[PATH] = FIELD("path", TEXT, "Folder"),
	[LOADED] = FIELD("loaded", INSTANT, "Last loaded"),
	[UNLOADED] = FIELD("unloaded", INSTANT, "Last unloaded"),
	REGISTRY_FIELDS,
};

static const struct trace_type profile_type = {
	.name = "windows.profile",
	.message = "Profile {path} of {sid}, last loaded {loaded}",
	.fields = profile_fields,
};

enum { MACHINE_SID, BASIS, SID_N };

static const struct trace_field sid_fields[] = {
	[MACHINE_SID] = FIELD("machine_sid", TEXT, "SID of the machine"),
	[BASIS] = FIELD("basis", TEXT, "Read from"),
	REGISTRY_FIELDS,
};

static const struct trace_type sid_type = {
	.name = "windows.system.sid",
	.message = "The machine has the SID {machine_sid} (from {basis})",
	.fields = sid_fields,
};

enum { MACHINE_NUMBERS_SIZE = 12 };

static struct value halves(const struct hive_key *key, const char *high, const char *low)
{
	uint64_t upper, lower;

	if (!hive_value_number(key_value(key, high), &upper) ||
	    !hive_value_number(key_value(key, low), &lower) || upper > UINT32_MAX)
		return (struct value){ .kind = VALUE_ABSENT };
	return value_instant(instant_from_filetime(upper << 32 | (lower & UINT32_MAX)));
}

/* The SIDs of machines or domains already told, so that each is told once. */
struct told {
	struct text sids[16];
	size_t n;
};

static enum status tell_prefix(struct parse_context *ctx, struct hive *hive,
			       const struct hive_key *key, struct told *told, struct failure *why)
{
	struct value values[SID_N + REGISTRY_TAIL] = { 0 };
	struct text prefix = key->name;

	while (prefix.size && prefix.data[prefix.size - 1] != '-')
		prefix.size--;
	if (!prefix.size || !text_starts_folded(key->name, "S-1-5-21-"))
		return STATUS_OK;
	prefix.size--;
	for (size_t i = 0; i < told->n; i++)
		if (text_equal(told->sids[i], prefix))
			return STATUS_OK;
	if (told->n < sizeof(told->sids) / sizeof(*told->sids)) {
		const char *copy = arena_text(ctx->arena, prefix);

		if (!copy)
			return failure_set(why, ERR_LIMIT, "profile list: memory");
		told->sids[told->n++] = (struct text){ copy, prefix.size };
	}
	values[MACHINE_SID] = value_text(prefix);
	values[BASIS] = value_text(TEXT("profile"));
	return emit_key(ctx, hive, key, NULL, &sid_type, values, why);
}

static enum status read_profile(struct parse_context *ctx, struct hive *hive,
				const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[PROFILE_N + REGISTRY_TAIL] = { 0 };
	enum status status;

	values[SID] = value_text(key->name);
	values[PATH] = key_text(ctx, key, "ProfileImagePath");
	values[LOADED] = halves(key, "LocalProfileLoadTimeHigh", "LocalProfileLoadTimeLow");
	if (values[LOADED].kind == VALUE_ABSENT)
		values[LOADED] = halves(key, "ProfileLoadTimeHigh", "ProfileLoadTimeLow");
	values[UNLOADED] = halves(key, "LocalProfileUnloadTimeHigh", "LocalProfileUnloadTimeLow");
	status = emit_key(ctx, hive, key, NULL, &profile_type, values, why);
	if (status < 0)
		return status;
	return tell_prefix(ctx, hive, key, payload, why);
}

static enum status read_account(struct parse_context *ctx, struct hive *hive,
				const struct hive_key *key, void *payload, struct failure *why)
{
	const struct hive_value *value = key_value(key, "V");
	struct value values[SID_N + REGISTRY_TAIL] = { 0 };
	struct span numbers;

	(void)payload;
	if (!value || value->data.size < MACHINE_NUMBERS_SIZE)
		return STATUS_OK;
	numbers = span_part(value->data, value->data.size - MACHINE_NUMBERS_SIZE,
			    MACHINE_NUMBERS_SIZE);
	values[MACHINE_SID] = value_text(
		text_of(arena_printf(ctx->arena, "S-1-5-21-%u-%u-%u", span_u32le(numbers, 0),
				     span_u32le(numbers, 4), span_u32le(numbers, 8))));
	values[BASIS] = value_text(TEXT("sam"));
	return emit_key(ctx, hive, key, value, &sid_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	struct told told = { .n = 0 };

	if (hive_is_root(hive, "HKLM/SAM"))
		return visit_keys(ctx, hive, "SAM\\Domains\\Account", read_account, NULL, why);
	return visit_keys(ctx, hive, "Microsoft\\Windows NT\\CurrentVersion\\ProfileList\\*",
			  read_profile, &told, why);
}

const struct parser profile_parser = {
	.name = "windows.profile",
	.title = "User profiles and the machine's SID",
	.versions = "Windows 2000 to 11",
	.asserts = "Which users had profiles, and which installation of Windows this is.",
	.paths = (const char *const[]){ SOFTWARE_PATHS, HIVE_PATHS("SAM"), NULL },
	.emits = (const struct trace_type *const[]){ &profile_type, &sid_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
