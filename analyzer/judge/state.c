/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/state.h"

#include "analyzer/judge/building.h"
#include "parsers/base/text.h"

/* SERVICE_DISABLED (winsvc.h). */
enum { START_DISABLED = 4 };

static bool is_type(const struct witness *w, const char *type)
{
	return w->trace && strcmp(w->trace->trace.type->name, type) == 0;
}

/* A service that the next start will delete is registered no more. */
static bool is_service(const struct witness *w)
{
	return w->at_acquisition && is_type(w, "windows.registry.service") &&
	       trace_uint(&w->trace->trace, "delete_flag") == 0;
}

/* What was set aside with a Windows that was replaced is no part of what stands. */
static bool is_live_file(const struct witness *w)
{
	return w->at_acquisition && is_type(w, "filesystem.file") &&
	       text_equal(trace_text(&w->trace->trace, "kind"), TEXT("file")) &&
	       !is_set_aside(trace_text(&w->trace->trace, "path"));
}

/*
 * A file of the product in its own folder: what its installer's record promises to be there. Drivers
 * stand elsewhere and are told of by their services.
 */
static bool is_live_program(const struct witness *w)
{
	return is_live_file(w) && (w->role == ROLE_PROTECTION || w->role == ROLE_PROGRAM) &&
	       !path_fits("/Win*/System32/drivers/**", trace_text(&w->trace->trace, "path"));
}

/* Whether some protection component of the product can be seen through this aspect. */
static bool protects_by(const struct product *product, enum aspect aspect)
{
	for (unsigned c = 0; c < product->n_components; c++) {
		const struct component *component = &product->components[c];

		for (unsigned a = 0;
		     component->role == ROLE_PROTECTION && a < component->n_alternatives; a++)
			if (component->alternatives[a].conditions[aspect])
				return true;
	}
	return false;
}

/* SERVICE_KERNEL_DRIVER, SERVICE_FILE_SYSTEM_DRIVER (winnt.h). */
enum { TYPE_KERNEL_DRIVER = 1, TYPE_FILE_SYSTEM_DRIVER = 2 };

/* The file that a service starts; a driver without a path is System32\drivers\NAME.sys. */
static struct text image_of(const struct judging *j, const struct trace *service)
{
	const struct text path = trace_text(service, "image_path");
	const uint64_t type = trace_uint(service, "type");
	const struct text name = trace_text(service, "name");

	if (path.size || (type != TYPE_KERNEL_DRIVER && type != TYPE_FILE_SYSTEM_DRIVER))
		return path_normalize(j->arena, path);
	return text_of(arena_printf(j->arena, "/Windows/System32/drivers/%.*s.sys",
				    (int)name.size, name.data ? name.data : ""));
}

/* Whether a live file of the system's volume has this path; short names are told by the base name. */
static bool file_stands(const struct judging *j, const struct system *system, struct text path)
{
	const bool is_short = memchr(path.data, '~', path.size) != NULL;
	const struct text wanted = is_short ? path_base_name(path) : path;

	for (size_t i = 0; i < j->contents->n_traces; i++) {
		const struct case_trace *t = &j->contents->traces[i];
		const struct case_source *source;
		struct text found;

		if (strcmp(t->trace.type->name, "filesystem.file") != 0 ||
		    t->trace.recovery != RECOVERY_ALLOCATED)
			continue;
		found = trace_text(&t->trace, "path");
		if (!text_equal_folded(is_short ? path_base_name(found) : found, wanted))
			continue;
		source = find_source(j->contents, t->source);
		if (source && source->volume == system->volume)
			return true;
	}
	return false;
}

/* Whether a path names a drive other than that of the system: which volume it is is not known. */
static bool is_on_other_drive(const struct system *system, struct text path)
{
	while (path.size && (path.data[0] == '"' || path.data[0] == '\\' || path.data[0] == '?'))
		path = (struct text){ path.data + 1, path.size - 1 };
	return path.size > 1 && path.data[1] == ':' && (path.data[0] | 0x20) != system->drive;
}

/*
 * Whether a file that a registration names is gone for certain: its path is one that the file
 * system was searched for, the search was complete, and no live file stands there.
 */
static bool file_is_gone(const struct judging *j, const struct system *system, struct text raw,
			 struct text path)
{
	return system->files_whole && path.size && !is_on_other_drive(system, raw) &&
	       matcher_wants_path(j->matcher, path) && !file_stands(j, system, path);
}

static bool image_is_gone(const struct judging *j, const struct system *system,
			  const struct trace *service)
{
	return file_is_gone(j, system, trace_text(service, "image_path"), image_of(j, service));
}

/* Whether a service of this name is registered and its file is not gone. */
static bool service_stands(const struct judging *j, const struct witness *witnesses, size_t n,
			   const struct system *system, struct text name)
{
	for (size_t i = 0; i < n; i++)
		if (is_service(&witnesses[i]) &&
		    text_equal_folded(trace_text(&witnesses[i].trace->trace, "name"), name))
			return !image_is_gone(j, system, &witnesses[i].trace->trace);
	return false;
}

/* The file that a provider, an extension or an autostart entry names. */
static struct text file_named(const struct trace *t)
{
	static const char *const fields[] = { "path", "command", "executable" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (trace_text(t, fields[i]).size)
			return trace_text(t, fields[i]);
	return (struct text){ NULL, 0 };
}

static bool registration_would_load(const struct judging *j, const struct system *system,
				    const struct witness *witnesses, size_t n,
				    const struct witness *w)
{
	const struct trace *t = &w->trace->trace;
	const struct text file = file_named(t);

	if (w->role != ROLE_LOADS)
		return false;
	if (is_type(w, "windows.registry.filter"))
		return service_stands(j, witnesses, n, system, trace_text(t, "driver"));
	if (is_type(w, "windows.registry.network-filter"))
		return service_stands(j, witnesses, n, system, trace_text(t, "service"));
	return strncmp(t->type->name, "windows.registry.", 17) == 0 && file.size &&
	       !file_is_gone(j, system, file, path_normalize(j->arena, file));
}

bool witness_would_load(const struct judging *j, const struct system *system,
			const struct witness *witnesses, size_t n, const struct witness *w)
{
	if (!w->at_acquisition || !w->trace)
		return false;
	if (!is_type(w, "windows.registry.service"))
		return registration_would_load(j, system, witnesses, n, w);
	if (!is_service(w) || (w->role != ROLE_LOADS && w->role != ROLE_PROTECTION))
		return false;
	if (trace_get(&w->trace->trace, "start")->kind == VALUE_UINT &&
	    trace_uint(&w->trace->trace, "start") >= START_DISABLED)
		return false;
	return !image_is_gone(j, system, &w->trace->trace);
}

bool witness_names_product(const struct judging *j, const struct witness *x)
{
	const struct product *product = &j->signatures->products[x->product];

	/* A copy of a tool that nobody ran says as little as an installer that nobody ran. */
	if (product->kind == KIND_TOOL && x->role == ROLE_PROGRAM)
		return false;
	switch (x->role) {
	case ROLE_PROTECTION:
	case ROLE_REGISTRATION:
	case ROLE_KEY:
	case ROLE_PROGRAM:
	case ROLE_LOADS:
	case ROLE_COMPANION:
		return !x->weak;
	case ROLE_DATA: /* a folder of a vendor's name alone anybody can make */
		return !product->fallback && !x->weak && x->trace &&
		       text_equal(trace_text(&x->trace->trace, "kind"), TEXT("file"));
	default:
		return false;
	}
}

/*
 * Whether the installer told that the product of a record had gone, and nothing proves that it came
 * back: then the record is what the removal left.
 */
static bool was_taken_off(const struct witness *witnesses, size_t n, const struct witness *record)
{
	int64_t went = BOUND_OPEN_START;

	for (size_t i = 0; i < n; i++) {
		const struct witness *w = &witnesses[i];

		if (w->assertion == ASSERTS_END && is_msi_act(w) && !w->weak &&
		    w->code.size && text_equal_folded(w->code, record->code) &&
		    w->when.not_after > went)
			went = w->when.not_after;
	}
	for (size_t i = 0; went != BOUND_OPEN_START && i < n; i++) {
		const struct witness *w = &witnesses[i];
		const int64_t over = w->assertion == ASSERTS_BEGIN ? went : ticks_add(went, ONE_ACT);

		if (is_positive(w) && bound_has_end(w->when) && w->when.not_after > over)
			return false;
	}
	return went != BOUND_OPEN_START;
}

enum product_state state_at_acquisition(const struct judging *j, const struct witness *witnesses,
					size_t n)
{
	const struct system *system = &j->systems[witnesses[0].system];
	const struct product *product = &j->signatures->products[witnesses[0].product];
	const bool by_service = protects_by(product, ASPECT_SERVICE) ||
				protects_by(product, ASPECT_SERVICE_NAME);
	const bool by_file = protects_by(product, ASPECT_PATH);
	bool service = false, file = false, program = false, record = false, anything = false;
	bool engine = false, host = false;

	for (size_t i = 0; i < n; i++) {
		const struct witness *w = &witnesses[i];

		anything |= w->at_acquisition;
		if (w->role == ROLE_PROTECTION && is_service(w))
			service |= !image_is_gone(j, system, &w->trace->trace);
		file |= w->role == ROLE_PROTECTION && is_live_file(w);
		program |= is_live_program(w);
		record |= w->at_acquisition && w->role == ROLE_REGISTRATION &&
			  (is_type(w, "windows.registry.uninstall") ||
			   is_type(w, "windows.registry.msi-product")) &&
			  !was_taken_off(witnesses, n, w);
		host |= w->role == ROLE_REGISTRATION && !w->weak;
		engine |= !w->ambiguous && witness_would_load(j, system, witnesses, n, w);
	}
	/* An engine whose parts stand is in the product that brought it, as long as that does. */
	if (product_is_engine(j, witnesses[0].product) && record && host && engine)
		return STATE_INSTALLED;
	if (service || (!by_service && file) || (!by_service && !by_file && record))
		return STATE_INSTALLED;
	/* A service that was deleted or a program that was renamed is tampering, not removal. */
	if (record && program)
		return STATE_INSTALLED;
	/* Without the hives the program and its record are all there is to go by. */
	if (!system->hives_whole && file)
		return STATE_INSTALLED;
	if (!system->hives_whole)
		return STATE_UNKNOWN;
	return anything ? STATE_RESIDUE : STATE_ABSENT;
}
