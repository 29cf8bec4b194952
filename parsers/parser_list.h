/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per parser, sorted by folder and name; included by parser.c, once to declare and once
 * to fill the table.
 */
