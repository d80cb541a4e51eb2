/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/bench/results.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "npu/log.h"
#include "npu/sim/engine/json.h"

static const char *const basis_names[BASIS_COUNT] = {"given",   "measured", "modelled",
                                                     "counted", "computed", "claimed"};
static const char *const basis_texts[BASIS_COUNT] = {
    "asked for, or a property of the machine, the model or the design",
    "on this host, in this run",
    "by the simulator, from the constants of its table; no NPU was there",
    "exact: how often something happened, or was equal, in this run",
    "from this run's values and those of a golden",
    "by the prototype's own reports; nothing of it was repeated here",
};

const char *basis_name(enum basis basis)
{
    return basis_names[basis];
}

const char *basis_text(enum basis basis)
{
    return basis_texts[basis];
}

/* ---- Filling --------------------------------------------------------------------------------- */

static void *grown(void *old, size_t n, size_t size)
{
    void *p = realloc(old, n * size);
    if (!p) {
        fputs("npu-bench: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static char *format_text(const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) {
        fputs("npu-bench: out of memory\n", stderr);
        exit(1);
    }
    return text;
}

void results_init(struct results *results)
{
    *results = (struct results){.n_tables = 0};
    double *headline = (double *)&results->headlines;
    for (size_t i = 0; i < sizeof(results->headlines) / sizeof(double); i++)
        headline[i] = NAN;
}

void results_clear(struct results *results)
{
    for (unsigned i = 0; i < results->n_tables; i++) {
        struct table *table = &results->tables[i];
        for (size_t j = 0; j < table->n_cells; j++)
            free(table->cells[j].text);
        for (unsigned j = 0; j < table->n_notes; j++)
            free(table->notes[j]);
        free(table->cells);
        free(table->notes);
    }
    free(results->tables);
    results_init(results);
}

struct table *results_table(struct results *results, const char *name, const char *title,
                            const char *about, const struct column *columns, unsigned n_columns)
{
    results->tables = grown(results->tables, results->n_tables + 1, sizeof(struct table));
    struct table *table = &results->tables[results->n_tables++];
    *table = (struct table){
        .name = name, .title = title, .about = about, .columns = columns, .n_columns = n_columns};
    return table;
}

static void add_cell(struct table *table, struct cell cell)
{
    table->cells = grown(table->cells, table->n_cells + 1, sizeof(struct cell));
    table->cells[table->n_cells++] = cell;
}

void table_text(struct table *table, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_cell(table, (struct cell){format_text(format, args), NAN});
    va_end(args);
}

void table_number(struct table *table, double number)
{
    add_cell(table, (struct cell){NULL, number});
}

void table_none(struct table *table)
{
    add_cell(table, (struct cell){NULL, NAN});
}

void table_note(struct table *table, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    table->notes = grown(table->notes, table->n_notes + 1, sizeof(char *));
    table->notes[table->n_notes++] = format_text(format, args);
    va_end(args);
}

void table_plot(struct table *table, struct plot plot)
{
    if (table->n_plots < TABLE_PLOTS)
        table->plots[table->n_plots++] = plot;
}

unsigned table_rows(const struct table *table)
{
    return (unsigned)(table->n_cells / table->n_columns);
}

static const struct cell *cell_at(const struct table *table, unsigned row, unsigned column)
{
    return &table->cells[(size_t)row * table->n_columns + column];
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* The text of a cell; "-": empty. */
static const char *cell_text(const struct table *table, unsigned row, unsigned column, char *buffer,
                             size_t size)
{
    const struct cell *cell = cell_at(table, row, column);
    if (cell->text)
        return cell->text;
    if (isnan(cell->number))
        return "-";
    snprintf(buffer, size, "%.*f", table->columns[column].digits, cell->number);
    return buffer;
}

static void column_head(const struct column *column, char *to, size_t size)
{
    snprintf(to, size, "%s%s%s", column->title, column->unit[0] ? ", " : "", column->unit);
}

static void print_definitions(const struct table *table, const char *begin, FILE *file)
{
    for (unsigned i = 0; i < table->n_columns; i++) {
        const struct column *c = &table->columns[i];
        fprintf(file, "%s%s%s%s (%s): %s\n", begin, c->title, c->unit[0] ? ", " : "", c->unit,
                basis_name(c->basis), c->what);
    }
}

static void print_table(const struct table *table, bool definitions, FILE *file)
{
    char head[160], buffer[64];
    fprintf(file, "\n== %s\n%s\n", table->title, table->about);
    if (definitions)
        print_definitions(table, "  ", file);
    for (unsigned row = 0; row <= table_rows(table) && table_rows(table); row++) {
        for (unsigned i = 0; i < table->n_columns; i++) {
            size_t width;
            column_head(&table->columns[i], head, sizeof(head));
            width = strlen(head);
            for (unsigned r = 0; r < table_rows(table); r++) {
                size_t n = strlen(cell_text(table, r, i, buffer, sizeof(buffer)));
                width = n > width ? n : width;
            }
            const char *text = row ? cell_text(table, row - 1, i, buffer, sizeof(buffer)) : head;
            bool left = cell_at(table, row ? row - 1 : 0, i)->text != NULL;
            fprintf(file, "%s%*s", i ? "  " : "", left ? -(int)width : (int)width, text);
        }
        fputc('\n', file);
    }
    for (unsigned i = 0; i < table->n_notes; i++)
        fprintf(file, "note: %s\n", table->notes[i]);
}

void results_print(const struct results *results, bool definitions, FILE *file)
{
    for (unsigned i = 0; i < results->n_tables; i++)
        print_table(&results->tables[i], definitions, file);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void json_member(FILE *file, const char *key, const char *text, const char *end)
{
    npu_sim_json_string(file, key);
    fputs(": ", file);
    npu_sim_json_string(file, text);
    fputs(end, file);
}

static void json_columns(FILE *file, const struct table *table)
{
    fputs("   \"columns\": [", file);
    for (unsigned i = 0; i < table->n_columns; i++) {
        const struct column *c = &table->columns[i];
        fprintf(file, "%s\n    {", i ? "," : "");
        json_member(file, "key", c->key, ", ");
        json_member(file, "title", c->title, ", ");
        json_member(file, "unit", c->unit, ", ");
        json_member(file, "basis", basis_name(c->basis), ", ");
        json_member(file, "what", c->what, "}");
    }
    fputs("],\n", file);
}

static void json_rows(FILE *file, const struct table *table)
{
    fputs("   \"rows\": [", file);
    for (unsigned row = 0; row < table_rows(table); row++) {
        fprintf(file, "%s\n    {", row ? "," : "");
        for (unsigned i = 0; i < table->n_columns; i++) {
            const struct cell *cell = cell_at(table, row, i);
            fputs(i ? ", " : "", file);
            npu_sim_json_string(file, table->columns[i].key);
            fputs(": ", file);
            if (cell->text)
                npu_sim_json_string(file, cell->text);
            else if (isfinite(cell->number))
                fprintf(file, "%.12g", cell->number);
            else
                fputs("null", file);
        }
        fputc('}', file);
    }
    fputs("],\n", file);
}

static void write_json(FILE *file, const struct results *results, const char *name)
{
    fputs("{", file);
    json_member(file, "program", "npu-bench", ",\n ");
    json_member(file, "command", name, ",\n \"tables\": [");
    for (unsigned i = 0; i < results->n_tables; i++) {
        const struct table *table = &results->tables[i];
        fprintf(file, "%s\n  {", i ? "," : "");
        json_member(file, "name", table->name, ",\n   ");
        json_member(file, "title", table->title, ",\n   ");
        json_member(file, "about", table->about, ",\n");
        json_columns(file, table);
        json_rows(file, table);
        fputs("   \"notes\": [", file);
        for (unsigned j = 0; j < table->n_notes; j++) {
            fputs(j ? ", " : "", file);
            npu_sim_json_string(file, table->notes[j]);
        }
        fputs("]}", file);
    }
    fputs("]}\n", file);
}

/* ---- Markdown and bars ----------------------------------------------------------------------- */

static void write_markdown_table(FILE *file, const struct table *table)
{
    char head[160], buffer[64];
    for (unsigned i = 0; i < table->n_columns; i++) {
        column_head(&table->columns[i], head, sizeof(head));
        fprintf(file, "| %s ", head);
    }
    fputs("|\n", file);
    for (unsigned i = 0; i < table->n_columns; i++)
        fputs(cell_at(table, 0, i)->text ? "|---" : "|---:", file);
    fputs("|\n", file);
    for (unsigned i = 0; i < table->n_columns; i++)
        fprintf(file, "| *%s* ", basis_name(table->columns[i].basis));
    fputs("|\n", file);
    for (unsigned row = 0; row < table_rows(table); row++) {
        for (unsigned i = 0; i < table->n_columns; i++)
            fprintf(file, "| %s ", cell_text(table, row, i, buffer, sizeof(buffer)));
        fputs("|\n", file);
    }
    fputc('\n', file);
}

static void plot_name(const struct table *table, const struct plot *plot, char *to, size_t size)
{
    snprintf(to, size, "%s-%s.svg", table->name, plot->column);
}

static void write_markdown(FILE *file, const struct results *results, const char *name)
{
    fprintf(file, "# npu-bench %s\n\n", name);
    fputs("The second row of each table says where a column's numbers come from:\n\n", file);
    for (enum basis basis = 0; basis < BASIS_COUNT; basis++)
        fprintf(file, "- *%s*: %s\n", basis_name(basis), basis_text(basis));
    fputs("\nWhat is missing is a \"-\" or a note that says why; nothing is estimated in its "
          "place.\n",
          file);
    for (unsigned i = 0; i < results->n_tables; i++) {
        const struct table *table = &results->tables[i];
        fprintf(file, "\n## %s\n\n%s\n\n", table->title, table->about);
        if (table_rows(table))
            write_markdown_table(file, table);
        for (unsigned j = 0; j < table->n_notes; j++)
            fprintf(file, "Note: %s\n\n", table->notes[j]);
        for (unsigned j = 0; j < table->n_plots && table_rows(table); j++) {
            char svg[128];
            plot_name(table, &table->plots[j], svg, sizeof(svg));
            fprintf(file, "![%s: %s](%s)\n\n", table->title, table->plots[j].column, svg);
        }
        print_definitions(table, "- ", file);
    }
}

static unsigned column_of(const struct table *table, const char *key)
{
    unsigned i = 0;
    while (i < table->n_columns && strcmp(table->columns[i].key, key))
        i++;
    return i;
}

static char *bar_label(const struct table *table, const struct plot *plot, unsigned row)
{
    char *label = grown(NULL, 256, 1), buffer[64];
    label[0] = '\0';
    for (unsigned i = 0; i < TABLE_LABELS && plot->labels[i]; i++) {
        unsigned column = column_of(table, plot->labels[i]);
        const char *text = cell_text(table, row, column, buffer, sizeof(buffer));
        bool number = cell_at(table, row, column)->text == NULL;
        size_t at = strlen(label);
        snprintf(label + at, 256 - at, "%s%s%s%s", at ? " " : "",
                 number ? table->columns[column].title : "", number ? " " : "", text);
    }
    return label;
}

static void write_plot(FILE *file, const struct table *table, const struct plot *plot)
{
    unsigned rows = table_rows(table), at = column_of(table, plot->column);
    const struct column *column = &table->columns[at];
    char **labels = grown(NULL, rows, sizeof(char *)), title[256];
    double *values = grown(NULL, rows, sizeof(double));
    for (unsigned row = 0; row < rows; row++) {
        labels[row] = bar_label(table, plot, row);
        values[row] = cell_at(table, row, at)->number;
    }
    snprintf(title, sizeof(title), "%s: %s (%s)", table->title, column->title,
             basis_name(column->basis));
    plot_write(file, title, column->unit, labels, values, rows);
    for (unsigned row = 0; row < rows; row++)
        free(labels[row]);
    free(labels);
    free(values);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static FILE *open_file(const char *dir, const char *name, const char *end, struct npu_error *err)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s%s", dir, name, end);
    FILE *file = fopen(path, "w");
    if (!file)
        npu_fail(err, -errno, "%s: %s", path, strerror(errno));
    return file;
}

static int close_file(FILE *file, const char *dir, struct npu_error *err)
{
    bool bad = ferror(file) != 0;
    if (fclose(file) != 0 || bad)
        return npu_fail(err, -EIO, "%s: a file could not be written", dir);
    return 0;
}

static int write_plots(const struct results *results, const char *dir, struct npu_error *err)
{
    for (unsigned i = 0; i < results->n_tables; i++) {
        const struct table *table = &results->tables[i];
        for (unsigned j = 0; j < table->n_plots && table_rows(table); j++) {
            char name[128];
            plot_name(table, &table->plots[j], name, sizeof(name));
            FILE *file = open_file(dir, name, "", err);
            if (!file)
                return -EIO;
            write_plot(file, table, &table->plots[j]);
            int ret = close_file(file, dir, err);
            if (ret)
                return ret;
        }
    }
    return 0;
}

int results_write(const struct results *results, const char *dir, const char *name,
                  struct npu_error *err)
{
    void (*const writers[])(FILE *, const struct results *, const char *) = {write_json,
                                                                             write_markdown};
    static const char *const ends[] = {".json", ".md"};
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return npu_fail(err, -errno, "%s: %s", dir, strerror(errno));
    for (unsigned i = 0; i < 2; i++) {
        FILE *file = open_file(dir, name, ends[i], err);
        if (!file)
            return -EIO;
        writers[i](file, results, name);
        int ret = close_file(file, dir, err);
        if (ret)
            return ret;
    }
    return write_plots(results, dir, err);
}
