/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/state.h"

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

static bool is_live_file(const struct witness *w)
{
	return w->at_acquisition && is_type(w, "filesystem.file") &&
	       text_equal(trace_text(&w->trace->trace, "kind"), TEXT("file"));
}

/* A program of the product, whichever: what its installer's record promises to be there. */
static bool is_live_program(const struct witness *w)
{
	const struct text path = is_live_file(w) ? trace_text(&w->trace->trace, "path") :
						   (struct text){ NULL, 0 };

	return (w->role == ROLE_PROTECTION || w->role == ROLE_PROGRAM) && path.size > 4 &&
	       text_equal_folded((struct text){ path.data + path.size - 4, 4 }, TEXT(".exe"));
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

/*
 * Whether the file that a service starts is gone for certain: its path is one that the file
 * system was searched for, the search was complete, and no live file of that name was found.
 */
static bool image_is_gone(const struct judging *j, const struct system *system,
			  const struct witness *witnesses, size_t n, const struct witness *service)
{
	const struct text path = image_of(j, &service->trace->trace);
	const struct text name = path_base_name(path);

	if (!system->files_whole || name.size == 0 || !matcher_wants_path(j->matcher, path))
		return false;
	for (size_t i = 0; i < n; i++)
		if (is_live_file(&witnesses[i]) &&
		    text_equal_folded(path_base_name(trace_text(&witnesses[i].trace->trace,
								"path")),
				      name))
			return false;
	return true;
}

bool witness_would_load(const struct judging *j, const struct system *system,
			const struct witness *witnesses, size_t n, const struct witness *w)
{
	if (!is_service(w) || (w->role != ROLE_LOADS && w->role != ROLE_PROTECTION))
		return false;
	if (trace_get(&w->trace->trace, "start")->kind == VALUE_UINT &&
	    trace_uint(&w->trace->trace, "start") >= START_DISABLED)
		return false;
	return !image_is_gone(j, system, witnesses, n, w);
}

bool witness_names_product(const struct witness *x)
{
	switch (x->role) {
	case ROLE_KEY:
	case ROLE_PROGRAM:
	case ROLE_LOADS:
	case ROLE_COMPANION:
		return !x->weak;
	case ROLE_DATA:
		return !x->weak && x->trace &&
		       text_equal(trace_text(&x->trace->trace, "kind"), TEXT("file"));
	default:
		return false;
	}
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

	for (size_t i = 0; i < n; i++) {
		const struct witness *w = &witnesses[i];

		anything |= w->at_acquisition;
		if (w->role == ROLE_PROTECTION && is_service(w))
			service |= !image_is_gone(j, system, witnesses, n, w);
		file |= w->role == ROLE_PROTECTION && is_live_file(w);
		program |= is_live_program(w);
		record |= w->at_acquisition && w->role == ROLE_REGISTRATION &&
			  (is_type(w, "windows.registry.uninstall") ||
			   is_type(w, "windows.registry.msi-product"));
	}
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
