/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text to design: the module around the devices, and the life of a design. */
#include "npu/sim/text/parse.h"
#include "npu/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static void free_lists(struct npu_parser *p)
{
    struct npu_list *lists[] = {&p->names,     &p->symbols, &p->results,   &p->slots, &p->captures,
                                &p->ops,       &p->numbers, &p->indices,   &p->dims,  &p->ends,
                                &p->inits,     &p->types,   &p->regions,   &p->wide,  &p->carried,
                                &p->texts,     &p->tiles,   &p->buffers,   &p->fifos, &p->links,
                                &p->functions, &p->cores,   &p->sequences, &p->arrays};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        free(lists[i]->data);
}

/* [module [@name] {] aie.device .. [}] */
static bool parse_module(struct npu_parser *p)
{
    bool module = npu_parser_accept_word(p, "module");
    if (module) {
        if (p->token.kind == NPU_TOKEN_SYMBOL)
            npu_parser_next(p);
        if (npu_parser_accept_word(p, "attributes") &&
            !npu_parser_attributes(p, &(struct npu_attribute){0}))
            return false;
        if (!npu_parser_mark(p, '{'))
            return false;
    }
    do {
        if (!npu_parser_word(p, "aie.device") || !npu_parser_array(p))
            return false;
        if (p->arrays.n > NPU_DESIGN_MAX_SEQUENCES)
            return npu_parser_fail(p, p->token.pos, "found more than %d devices, expected no more",
                                   NPU_DESIGN_MAX_SEQUENCES);
    } while (npu_parser_is_word(p, "aie.device"));
    if (module && !npu_parser_mark(p, '}'))
        return false;
    return p->token.kind == NPU_TOKEN_END || npu_parser_expected(p, "the end of the text");
}

static bool start(struct npu_parser *p, const char *text, size_t n)
{
    const struct npu_ir_type type = {0};
    p->arena.limit = NPU_DESIGN_MAX_BYTES;
    if (getrandom(&p->hash_start, sizeof(p->hash_start), GRND_NONBLOCK) < 0)
        p->hash_start = 2166136261u;
    memset(p->name_bucket, 0xff, sizeof(p->name_bucket));
    npu_lexer_start(&p->lexer, text, n);
    npu_parser_next(p);
    /* so that types_from() of an empty stack is not NULL */
    if (!npu_parser_push(p, &p->types, &type, sizeof(type)))
        return false;
    p->types.n = 0;
    return true;
}

static struct npu_design *finish(struct npu_parser *p)
{
    struct npu_design *design = npu_arena_take(&p->arena, 1, sizeof(*design));
    struct npu_arena *memory = npu_arena_take(&p->arena, 1, sizeof(*memory));
    char *name = npu_parser_text(p, p->file_name, strlen(p->file_name));
    uint32_t n = (uint32_t)p->arrays.n;
    const struct npu_ir_array *array = npu_parser_pop(p, &p->arrays, 0, sizeof(*array));
    if (!design || !memory || !name || !array) {
        npu_parser_no_memory(p);
        return NULL;
    }
    *design =
        (struct npu_design){.file_name = name, .n_arrays = n, .array = array, .memory = memory};
    *memory = p->arena;
    return design;
}

int npu_design_parse(struct npu_design **out, const char *text, size_t n, const char *file_name,
                     struct npu_error *err)
{
    if (n > NPU_DESIGN_MAX_TEXT)
        return npu_fail(err, -E2BIG, "%s: found a text of %zu bytes, expected at most %u",
                        file_name, n, NPU_DESIGN_MAX_TEXT);
    struct npu_parser *p = calloc(1, sizeof(*p));
    if (!p)
        return npu_fail(err, -ENOMEM, "%s: no memory for the parser", file_name);
    p->err = err;
    p->file_name = file_name;
    struct npu_design *design = start(p, text, n) && parse_module(p) ? finish(p) : NULL;
    int code = p->code;
    free_lists(p);
    if (design)
        *out = design;
    else
        npu_arena_free(&p->arena);
    free(p);
    return code;
}

void npu_design_close(struct npu_design **design)
{
    if (!*design)
        return;
    struct npu_arena arena = *(const struct npu_arena *)(*design)->memory;
    npu_arena_free(&arena);
    *design = NULL;
}

/* The whole file; the size is what was read, even if the file changes meanwhile. */
static int read_file(int fd, const char *path, char **text, size_t *n, struct npu_error *err)
{
    size_t allocated = 65536;
    char *data = malloc(allocated);
    *n = 0;
    while (data) {
        ssize_t got = read(fd, data + *n, allocated - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(data);
            return npu_fail(err, -EIO, "%s: expected text, found a read error: %s", path,
                            strerror(errno));
        }
        *n += (size_t)got;
        if (got == 0 || *n > NPU_DESIGN_MAX_TEXT)
            break;
        if (*n == allocated) {
            char *larger = realloc(data, allocated *= 2);
            if (!larger)
                free(data);
            data = larger;
        }
    }
    *text = data;
    return data ? 0 : npu_fail(err, -ENOMEM, "%s: no memory for the text", path);
}

int npu_design_open(struct npu_design **out, const char *path, struct npu_error *err)
{
    struct stat st;
    char *text = NULL;
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int code = errno == ENOENT || errno == EACCES ? -errno : -EIO;
        return npu_fail(err, code, "%s: expected a design, cannot open it: %s", path,
                        strerror(errno));
    }
    int code = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)
                   ? npu_fail(err, -EISDIR, "%s: expected a design, found a folder", path)
                   : read_file(fd, path, &text, &n, err);
    close(fd);
    if (code == 0)
        code = npu_design_parse(out, text, n, path, err);
    free(text);
    return code;
}
