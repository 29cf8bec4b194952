/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per parser, sorted by folder and name; included by parser.c, once to declare and once
 * to fill the table.
 */
PARSER(usnjrnl_parser)
PARSER(computer_name_parser)
PARSER(control_set_parser)
PARSER(msi_product_parser)
PARSER(named_key_parser)
PARSER(service_parser)
PARSER(source_os_parser)
PARSER(system_version_parser)
PARSER(time_zone_parser)
PARSER(uninstall_parser)
PARSER(zone_rule_parser)
PARSER(amcache_parser)
PARSER(bam_parser)
PARSER(muicache_parser)
PARSER(shimcache_parser)
PARSER(userassist_parser)
