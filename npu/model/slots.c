/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole checkpoint may hold one encoder and much else: a decoder, heads, a language model whose
 * layers have names like the encoder's. So every prefix under which any name of an encoder occurs
 * is a candidate, and the complete one is taken. */
#include "npu/model/slots.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "npu/log.h"

#define MAX_CANDIDATES 32
#define WORDS          ((NPU_MODEL_MAX_SLOTS + 63) / 64)

/* Which tensors of an encoder there are under one prefix in one naming. */
struct found {
    uint64_t slots[WORDS]; /* a bit each */
    unsigned n, n_layers;
};

struct candidate {
    const char *name; /* of a tensor; the prefix is its first bytes */
    size_t n_prefix;
    struct found by[NPU_NAMINGS];
};

struct candidates {
    struct candidate list[MAX_CANDIDATES];
    unsigned n;
    bool too_many;
};

/* ---- Candidates ------------------------------------------------------------------------------ */

/* NULL: too many candidates. */
static struct candidate *get_candidate(struct candidates *candidates, const char *name,
                                       size_t n_prefix)
{
    for (unsigned i = 0; i < candidates->n; i++) {
        struct candidate *c = &candidates->list[i];
        if (c->n_prefix == n_prefix && memcmp(c->name, name, n_prefix) == 0)
            return c;
    }
    if (candidates->n == MAX_CANDIDATES)
        return NULL;
    struct candidate *c = &candidates->list[candidates->n++];
    *c = (struct candidate){.name = name, .n_prefix = n_prefix};
    return c;
}

static void note_tensor(struct candidates *candidates, const char *name)
{
    size_t n_prefix = npu_name_prefix(name);
    for (enum npu_naming naming = 0; naming < NPU_NAMINGS; naming++) {
        enum npu_tensor tensor;
        unsigned layer;
        if (!npu_name_find(name + n_prefix, naming, &tensor, &layer))
            continue;
        struct candidate *c = get_candidate(candidates, name, n_prefix);
        if (!c) {
            candidates->too_many = true;
            return;
        }
        struct found *found = &c->by[naming];
        unsigned slot = npu_slot(tensor, layer);
        found->slots[slot / 64] |= UINT64_C(1) << slot % 64; /* names are unique, so are slots */
        found->n++;
        if ((unsigned)tensor >= NPU_TENSOR_GLOBAL_COUNT && layer >= found->n_layers)
            found->n_layers = layer + 1;
    }
}

/* How many tensors the encoder would have if complete; at least one layer. */
static unsigned count_needed(const struct found *found)
{
    return npu_slot_count(found->n_layers ? found->n_layers : 1);
}

static bool is_complete(const struct found *found)
{
    return found->n_layers && found->n == count_needed(found);
}

/* Neither naming is complete, but both together are. */
static bool is_mixed(const struct candidate *c)
{
    const struct found *hf = &c->by[NPU_NAMING_HF], *openai = &c->by[NPU_NAMING_OPENAI];
    unsigned n = 0, n_layers = hf->n_layers > openai->n_layers ? hf->n_layers : openai->n_layers;
    for (unsigned i = 0; i < WORDS; i++)
        n += (unsigned)__builtin_popcountll(hf->slots[i] | openai->slots[i]);
    return n_layers && n == npu_slot_count(n_layers);
}

/* ---- One encoder ----------------------------------------------------------------------------- */

struct prefix_text {
    char text[NPU_NAME_MAX_PREFIX + 24];
};
/* For messages. */
static struct prefix_text describe(const char *prefix, size_t n)
{
    struct prefix_text out;
    if (n == 0)
        snprintf(out.text, sizeof(out.text), "without a prefix");
    else
        snprintf(out.text, sizeof(out.text), "under the prefix %.*s", (int)n, prefix);
    return out;
}

/* Fill the slots of the encoder with that prefix and naming. Returns the first tensor with the
 * prefix that is not the encoder's, or NULL. */
static const char *fill_slots(struct npu_slots *slots, const struct npu_file *file,
                              const char *prefix, size_t n_prefix, enum npu_naming naming)
{
    const char *stray = NULL;
    memset(slots->index, -1, sizeof(slots->index));
    memcpy(slots->prefix, prefix, n_prefix);
    slots->prefix[n_prefix] = 0;
    slots->naming = naming;
    slots->n_layers = 0;
    slots->n_ignored = 0;
    for (size_t i = 0; i < file->n_tensors; i++) {
        const char *name = file->tensors[i].name;
        enum npu_tensor tensor;
        unsigned layer;
        if (strncmp(name, slots->prefix, n_prefix) != 0) {
            slots->n_ignored++;
        } else if (npu_name_find(name + n_prefix, naming, &tensor, &layer)) {
            slots->index[npu_slot(tensor, layer)] = (int)i;
            if ((unsigned)tensor >= NPU_TENSOR_GLOBAL_COUNT && layer >= slots->n_layers)
                slots->n_layers = layer + 1;
        } else if (!stray) {
            stray = name;
        }
    }
    return stray;
}

/* The first slot without a tensor, and how many there are. */
static unsigned find_missing(const struct npu_slots *slots, unsigned *n)
{
    unsigned first = 0, end = npu_slot_count(slots->n_layers ? slots->n_layers : 1);
    *n = 0;
    for (unsigned i = end; i-- > 0;) {
        if (slots->index[i] < 0) {
            first = i;
            ++*n;
        }
    }
    return first;
}

/* Adds to the sentence if an encoder's names occur under a prefix that is not read. */
static int note_unread(const struct npu_file *file, int code, struct npu_error *err)
{
    for (size_t i = 0; i < file->n_tensors; i++) {
        const char *name = file->tensors[i].name;
        const char *found = strstr(name, "conv1.weight");
        if (found && !found[12] && found != name + npu_name_prefix(name))
            return npu_fail_more(err, code, "; under a prefix that is not read there is %.160s",
                                 name);
    }
    return code;
}

static int fail_missing(const struct npu_slots *slots, const struct npu_file *file,
                        struct npu_error *err)
{
    unsigned n, slot = find_missing(slots, &n), n_layers = slots->n_layers ? slots->n_layers : 1;
    struct npu_name_text name =
        npu_name_format(slots->prefix, npu_slot_tensor(slot), npu_slot_layer(slot), slots->naming);
    char others[48] = "";
    if (n > 1)
        snprintf(others, sizeof(others), ", nor %u others", n - 1);
    return npu_fail(err, -ENODATA,
                    "%s: tensor %s: expected in an encoder of %u layer%s %s, the most complete one "
                    "in the file, found no tensor of that name%s, among %zu tensors",
                    file->label, name.text, n_layers, n_layers > 1 ? "s" : "",
                    describe(slots->prefix, strlen(slots->prefix)).text, others, file->n_tensors);
}

static int fail_unknown(const struct npu_slots *slots, const struct npu_file *file,
                        const char *stray, struct npu_error *err)
{
    enum npu_tensor tensor;
    unsigned layer;
    size_t n_prefix = strlen(slots->prefix);
    bool other = strncmp(stray, slots->prefix, n_prefix) == 0 &&
                 npu_name_find(stray + n_prefix, !slots->naming, &tensor, &layer);
    struct npu_name_text known =
        npu_name_format(slots->prefix, NPU_TENSOR_CONV1_WEIGHT, 0, slots->naming);
    return npu_fail(err, -ENOTSUP,
                    "%s: tensor %.160s: expected tensors of a Whisper encoder only %s, such as %s, "
                    "found this one%s",
                    file->label, stray, describe(slots->prefix, n_prefix).text, known.text,
                    other ? ", named in another way than the rest" : "");
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* No name of an encoder's under any prefix. */
static int fail_none(const struct npu_file *file, struct npu_error *err)
{
    return npu_fail(
        err, -ENODATA,
        "%s: expected the tensors of a Whisper encoder, such as "
        "model.encoder.conv1.weight, found none of their names among %zu tensors%s%.160s",
        file->label, file->n_tensors, file->n_tensors ? ", such as " : "",
        file->n_tensors ? file->tensors[0].name : "");
}

static int fail_two(const struct npu_file *file, const struct candidate *first,
                    const struct candidate *second, struct npu_error *err)
{
    return npu_fail(err, -ENOTSUP,
                    "%s: expected one Whisper encoder, found two complete ones, %s and %s; save "
                    "the one that you mean to a file of its own",
                    file->label, describe(first->name, first->n_prefix).text,
                    describe(second->name, second->n_prefix).text);
}

static int fail_mixed(const struct npu_file *file, const struct candidate *c, struct npu_error *err)
{
    return npu_fail(err, -ENOTSUP,
                    "%s: expected the tensors of an encoder to be named as Hugging Face does "
                    "(layers.0.fc1.weight) or as OpenAI does (blocks.0.mlp.0.weight), found a mix "
                    "of both %s",
                    file->label, describe(c->name, c->n_prefix).text);
}

/* The complete encoder, or the most complete one: its candidate and naming. Another complete one
 * goes into *second. */
static const struct candidate *choose(const struct candidates *candidates, enum npu_naming *naming,
                                      const struct candidate **second)
{
    const struct candidate *best = NULL;
    const struct found *most = NULL;
    *second = NULL;
    for (unsigned i = 0; i < candidates->n; i++) {
        for (enum npu_naming k = 0; k < NPU_NAMINGS; k++) {
            const struct candidate *c = &candidates->list[i];
            const struct found *found = &c->by[k];
            if (best && is_complete(most) && is_complete(found))
                *second = c;
            /* the larger share of what it needs */
            if (!best || found->n * count_needed(most) > most->n * count_needed(found)) {
                best = c;
                most = found;
                *naming = k;
            }
        }
    }
    return best;
}

int npu_slots_find(struct npu_slots *slots, const struct npu_file *file, struct npu_error *err)
{
    struct candidates candidates = {.n = 0};
    for (size_t i = 0; i < file->n_tensors; i++)
        note_tensor(&candidates, file->tensors[i].name);
    if (candidates.too_many)
        return npu_fail(err, -ENOTSUP,
                        "%s: expected at most %d prefixes with names of an encoder, found more",
                        file->label, MAX_CANDIDATES);
    enum npu_naming naming = NPU_NAMING_HF;
    const struct candidate *second, *best = choose(&candidates, &naming, &second);
    if (!best)
        return note_unread(file, fail_none(file, err), err);
    if (second && second != best)
        return fail_two(file, best, second, err);
    bool complete = is_complete(&best->by[naming]);
    if (second || (!complete && is_mixed(best)))
        return fail_mixed(file, best, err);
    const char *stray = fill_slots(slots, file, best->name, best->n_prefix, naming);
    if (complete)
        return stray ? fail_unknown(slots, file, stray, err) : 0;
    int code = fail_missing(slots, file, err);
    if (stray)
        npu_fail_more(err, code, "; and %.160s is not one of an encoder's tensors", stray);
    return note_unread(file, code, err);
}

int npu_slots_find_ggml(struct npu_slots *slots, const struct npu_file *file, struct npu_error *err)
{
    static const char encoder[] = "encoder.", decoder[] = "decoder.";
    unsigned n_missing;
    const char *stray = fill_slots(slots, file, encoder, sizeof(encoder) - 1, NPU_NAMING_OPENAI);
    if (stray)
        return fail_unknown(slots, file, stray, err);
    for (size_t i = 0; i < file->n_tensors; i++) {
        const char *name = file->tensors[i].name;
        if (strncmp(name, encoder, sizeof(encoder) - 1) != 0 &&
            (strncmp(name, decoder, sizeof(decoder) - 1) != 0 || !name[sizeof(decoder) - 1]))
            return fail_unknown(slots, file, name, err);
    }
    find_missing(slots, &n_missing);
    if (n_missing) {
        fail_missing(slots, file, err);
        return -ENOTSUP;
    }
    return 0;
}
