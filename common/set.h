/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A set: one file NAME.conf of mediated.d(5). It names cards, and says which virtual functions they should have.
 *
 * The syntax is that of systemd's files, see systemd.syntax(7). As systemd does, a section or key that is not known is
 * ignored with a warning, because a later version may know it. A value that cannot be understood makes the whole file
 * useless: half of what somebody wanted must not happen to hardware. */

#include "common/macro.h"

/* How large a file may be. */
#define SET_SIZE_MAX (64u * 1024)

/* What identifies a card in the section [Match]. */
enum set_match {
        SET_MATCH_CARD,
        SET_MATCH_DRIVER,
        SET_MATCH_PCI_DEVICE,
        _SET_MATCH_MAX,
};

/* A list of texts, with a NULL at its end. */
struct set_words {
        char **items;
        size_t n;
};

struct set {
        char *name;                                     /* the file's name without ".conf" */
        char *path;                                     /* "/etc/mediated.d/NAME.conf" */
        struct set_words matches[_SET_MATCH_MAX];       /* globs; a "!" before a glob inverts it */
        bool has_functions;                             /* whether there is a section [VirtualFunctions] */
        bool all;                                       /* Count=all */
        unsigned int count;                             /* Count=; 0: it is not given */
        struct set_words prepare;                       /* Prepare=, with its specifiers; no words: it is not given */
        char *error;                                    /* why the file is useless; NULL: it is not */
};

/* A card as [Match] sees it. What it does not have is NULL. */
struct set_card {
        const char *name;               /* "0000:3d:00.0" */
        const char *driver;             /* "nvidia" */
        const char *pci_device;         /* vendor and device: "10de:26b9" */
};

/* A function that is called with each warning about a file, which is a sentence that names file and line. */
typedef void set_warning_func(const char *warning, void *userdata);

/** set_parse() - read the text of a file. set->name and set->path are given; everything else is empty, and is set.
 * Returns 0, also when set->error is set, or -ENOMEM. */
int set_parse(struct set *set, const char *text, size_t size, set_warning_func *warn, void *userdata);

/** set_matches() - whether the set names this card: for each key of [Match], one of its globs must match. A set without
 * globs names no card. */
bool set_matches(const struct set *set, const struct set_card *card);

/** set_asks() - whether the set asks for virtual functions, or would if it had no error. */
bool set_asks(const struct set *set);

/** set_command() - the words of Prepare= for a card. Returns 0 and a list that the caller frees, or -ENOMEM. */
int set_command(const struct set *set, const char *card, struct set_words *ret);

/** set_words_clear(), set_clear() - free everything. */
void set_words_clear(struct set_words *words);
void set_clear(struct set *set);

#define _cleanup_set_ _cleanup_(set_clear)
#define _cleanup_set_words_ _cleanup_(set_words_clear)
