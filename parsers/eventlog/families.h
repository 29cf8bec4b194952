/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_EVENTLOG_FAMILIES_H
#define AVOUCH_PARSERS_EVENTLOG_FAMILIES_H

#include "parsers/eventlog/event.h"

/* One table for each family of providers, in the file of its name. */
extern const struct event_rule boot_rules[];            /* boot.c */
extern const struct event_rule cleared_rules[];         /* cleared.c */
extern const struct event_rule clock_rules[];           /* clock.c */
extern const struct event_rule crash_rules[];           /* crash.c */
extern const struct event_rule defender_rules[];        /* defender.c */
extern const struct event_rule driver_rules[];          /* driver_event.c */
extern const struct event_rule inventory_rules[];       /* inventory.c */
extern const struct event_rule msi_rules[];             /* msi_event.c */
extern const struct event_rule restart_rules[];         /* restart_manager.c */
extern const struct event_rule restore_rules[];         /* restore_point.c */
extern const struct event_rule security_center_rules[]; /* security_center_event.c */
extern const struct event_rule service_rules[];         /* service_event.c */
extern const struct event_rule task_rules[];            /* task_event.c */

extern const struct trace_type event_msi_type, event_service_installed_type,
	event_service_state_type, event_security_center_type, event_defender_type,
	event_inventory_type, event_boot_type, event_shutdown_type, event_unclean_shutdown_type,
	event_time_change_type, event_log_cleared_type, event_task_type, event_driver_type,
	event_crash_type, event_restart_manager_type, event_restore_point_type, event_record_type,
	event_time_jump_type, event_log_span_type;

#endif
