/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which file a name means: paths, folders, the default model, Hugging Face's cache. */
#include "tests/npu/model_folder.h"
#include "tests/npu/model_rig.h"

/* want: the file in root, or NULL for -ENOENT with `word` in the sentence. */
static void check_find(const char *test, const char *name, const char *const *dirs,
                       const char *want, const char *word)
{
    char *path = NULL;
    error.text[0] = 0;
    int code = npu_model_find(&path, name, dirs, &error);
    bool ok = want ? code == 0 && path && strcmp(path, in_root(want)) == 0
                   : code == -ENOENT && !path && strstr(error.text, word) &&
                         strstr(error.text, "expected") && strstr(error.text, "found");
    check_case(ok, test, "code %d, %s: %s", code, path ? path : "nothing", error.text);
    free(path);
}

static void test_find_default(void)
{
    char first[512], second[512];
    snprintf(first, sizeof(first), "%s", in_root("first"));
    snprintf(second, sizeof(second), "%s", in_root("second"));
    const char *const dirs[] = {first, second, NULL};
    check_find("find.nothing", NULL, NULL, NULL,
               "/home/.local/share/whispernpu/default.safetensors");
    check_find("find.nothing_in_folders", "", dirs, NULL, "second/default.safetensors");
    make_file("second/default.safetensors", "x");
    check_find("find.second_folder", NULL, dirs, "second/default.safetensors", NULL);
    make_file("first/default.safetensors", "x");
    check_find("find.first_folder", "", dirs, "first/default.safetensors", NULL);
    make_file("home/.local/share/whispernpu/default.safetensors", "x");
    check_find("find.home", NULL, dirs, "home/.local/share/whispernpu/default.safetensors", NULL);
    setenv("XDG_DATA_HOME", in_root("data"), 1);
    check_find("find.xdg_missing", NULL, dirs, "first/default.safetensors", NULL);
    make_file("data/whispernpu/default.safetensors", "x");
    check_find("find.xdg", NULL, dirs, "data/whispernpu/default.safetensors", NULL);
    setenv("WHISPERNPU_MODEL", in_root("own.bin"), 1);
    check_find("find.variable_wrong", NULL, dirs, NULL, "WHISPERNPU_MODEL");
    make_file("own.bin", "x");
    check_find("find.variable", NULL, dirs, "own.bin", NULL);
    check_find("find.path", in_root("first/default.safetensors"), dirs, "first/default.safetensors",
               NULL);
    check_find("find.path_missing", in_root("none.bin"), dirs, NULL, "none.bin");
    check_find("find.path_folder", in_root("first"), dirs, NULL, "first/model.safetensors");
    check_find("find.path_device", "/dev/null", dirs, NULL, "no regular file");
    setenv("WHISPERNPU_MODEL", in_root("first"), 1);
    check_find("find.variable_folder_empty", NULL, dirs, NULL, "first/model.safetensors");
    make_file("whole/model.safetensors", "x");
    setenv("WHISPERNPU_MODEL", in_root("whole"), 1);
    check_find("find.variable_folder", NULL, dirs, "whole/model.safetensors", NULL);
    setenv("WHISPERNPU_MODEL", in_root("own.bin"), 1);
}

/* A folder, with and without '/' at its end. */
static void check_folder(const char *test, const char *folder, const char *want, const char *word)
{
    char name[96], path[512];
    for (int slash = 0; slash < 2; slash++) {
        snprintf(path, sizeof(path), "%s%s", in_root(folder), slash ? "//" : "");
        snprintf(name, sizeof(name), "folder.%s%s", test, slash ? ".slash" : "");
        check_find(name, path, NULL, want, word);
    }
}

static void test_find_folder(void)
{
    make_file("model/config.json", "{}");
    check_folder("other", "model", NULL, "found no such file");
    make_file("model/tf_model.h5", "x");
    check_folder("tensorflow", "model", NULL, "TensorFlow");
    make_file("model/flax_model.msgpack", "x");
    check_folder("flax", "model", NULL, "Flax");
    make_file("model/ggml-base.bin", "x");
    check_folder("ggml", "model", NULL, "give the ggml file");
    make_file("model/pytorch_model.bin", "x");
    check_folder("pytorch", "model", NULL, "pytorch_model.bin");
    make_file("model/encoder.safetensors", "x");
    check_folder("other_name", "model", NULL, "safetensors files of other names");
    make_file("model/model.fp16.safetensors.index.json", "{}");
    check_folder("index_of_other_name", "model", "model/model.fp16.safetensors.index.json", NULL);
    make_file("model/.hidden.safetensors.index.json", "{}");
    make_file("model/folder.safetensors.index.json/x", "{}");
    check_folder("index_hidden", "model", "model/model.fp16.safetensors.index.json", NULL);
    make_file("model/a.safetensors.index.json", "{}");
    check_folder("two_indexes", "model", NULL,
                 "a.safetensors.index.json, model.fp16.safetensors.index.json; give");
    make_file("model/model.safetensors.index.json", "{}");
    check_folder("index", "model", "model/model.safetensors.index.json", NULL);
    make_file("model/model.safetensors", "x");
    check_folder("whole", "model", "model/model.safetensors", NULL);
    check_folder("of_cache", "home/.cache/huggingface/hub/models--openai--whisper-small", NULL,
                 "one of its snapshots");
    make_folders("bad/model.safetensors/x");
    check_folder("model_is_folder", "bad", NULL, "bad/model.safetensors");
}

/* Names of sizes, as other tools take them. */
static void test_find_sizes(void)
{
    static const char *const names[][2] = {
        {"base", "did you mean openai/whisper-base?"},
        {"tiny", "did you mean openai/whisper-tiny?"},
        {"small.en", "did you mean openai/whisper-small.en?"},
        {"medium", "did you mean openai/whisper-medium?"},
        {"large", "did you mean openai/whisper-large?"},
        {"large-v1", "did you mean openai/whisper-large?"},
        {"large-v2", "did you mean openai/whisper-large-v2?"},
        {"large-v3", "did you mean openai/whisper-large-v3?"},
        {"turbo", "did you mean openai/whisper-large-v3-turbo?"},
        {"large-v3-turbo", "did you mean openai/whisper-large-v3-turbo?"},
        {"Base", "did you mean openai/whisper-base?"},
        {"whisper-base", "did you mean openai/whisper-base?"},
        {"openai-whisper-tiny.en", "did you mean openai/whisper-tiny.en?"},
        {"openai_whisper-small", "did you mean openai/whisper-small?"},
        {"distil-large-v3", "did you mean distil-whisper/distil-large-v3?"},
        {"distil-whisper-x", "nothing of that name"},
    };
    char name[96];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(name, sizeof(name), "size.%s", names[i][0]);
        check_find(name, names[i][0], NULL, NULL, names[i][1]);
    }
    char *path = NULL;
    int code = npu_model_find(&path, "bases", NULL, &error);
    check_case(code == -ENOENT && !strstr(error.text, "did you mean"), "size.none", "%s",
               error.text);
    make_file("base", "x");
    char here[512];
    bool moved = getcwd(here, sizeof(here)) && chdir(root) == 0;
    code = npu_model_find(&path, "base", NULL, &error);
    check_case(moved && code == 0 && strcmp(path, "base") == 0, "size.file_wins", "code %d: %s",
               code, error.text);
    free(path);
    /* a local file wins over the cache, and no sentence suggests a download */
    make_file("openai/whisper-small/readme", "x");
    path = NULL;
    code = npu_model_find(&path, "openai/whisper-small", NULL, &error);
    check_case(code == -ENOENT && strstr(error.text, "openai/whisper-small/model.safetensors") &&
                   !strstr(error.text, "download"),
               "local.empty", "code %d: %s", code, error.text);
    make_file("openai/whisper-small/model.safetensors", "x");
    code = npu_model_find(&path, "openai/whisper-small", NULL, &error);
    check_case(code == 0 && strcmp(path, "openai/whisper-small/model.safetensors") == 0,
               "local.folder_wins", "code %d: %s", code, error.text);
    free(path);
    path = NULL;
    make_file("openai/ggml-base.en", "x");
    code = npu_model_find(&path, "openai/ggml-base.en", NULL, &error);
    check_case(code == 0 && strcmp(path, "openai/ggml-base.en") == 0, "local.file_wins",
               "code %d: %s", code, error.text);
    free(path);
    path = NULL;
    bool fifo = mkfifo(in_root("openai/pipe"), 0600) == 0;
    code = npu_model_find(&path, "openai/pipe", NULL, &error);
    check_case(fifo && code == -ENOENT && strstr(error.text, "no regular file") &&
                   !strstr(error.text, "download"),
               "local.pipe", "code %d: %s", code, error.text);
    if (chdir(here))
        abort();
}

static void test_find_cached(void)
{
    const char *cache = "home/.cache/huggingface/hub/models--openai--whisper-small";
    const char *name = "openai/whisper-small";
    char path[512], want[512];
    check_find("cache.none", name, NULL, NULL, "hf download openai/whisper-small");
    snprintf(path, sizeof(path), "%s/refs/main", cache);
    make_file(path, "0123abcd\n");
    check_find("cache.no_snapshot", name, NULL, NULL, "snapshots/0123abcd/model.safetensors");
    snprintf(want, sizeof(want), "%s/snapshots/0123abcd/model.safetensors.index.json", cache);
    make_file(want, "{}");
    check_find("cache.sharded", name, NULL, want, NULL);
    snprintf(want, sizeof(want), "%s/snapshots/0123abcd/model.safetensors", cache);
    make_file(want, "x");
    check_find("cache.home", name, NULL, want, NULL);
    make_file(path, "../../../../own");
    check_find("cache.reference_is_path", name, NULL, NULL, "refs/main");
    make_file(path, "01234567890123456789012345678901234567890123456789012345678901234");
    check_find("cache.reference_long", name, NULL, NULL, "refs/main");
    setenv("HF_HOME", in_root("hf"), 1);
    make_file("hf/hub/models--openai--whisper-small/refs/main", "77");
    make_file("hf/hub/models--openai--whisper-small/snapshots/77/model.safetensors", "x");
    check_find("cache.hf_home", name, NULL,
               "hf/hub/models--openai--whisper-small/snapshots/77/model.safetensors", NULL);
    setenv("HF_HUB_CACHE", in_root("hub"), 1);
    check_find("cache.hf_hub_cache_missing", name, NULL, NULL, "hub/models--openai--whisper-small");
    make_file("hub/models--openai--whisper-small/refs/main", "88");
    make_file("hub/models--openai--whisper-small/snapshots/88/model.safetensors", "x");
    check_find("cache.hf_hub_cache", name, NULL,
               "hub/models--openai--whisper-small/snapshots/88/model.safetensors", NULL);
    check_find("cache.no_name", "../whisper-small", NULL, NULL, "nothing of that name");
    check_find("cache.two_slashes", "openai/whisper-small/x", NULL, NULL, "nothing of that name");
    check_find("cache.address", "https://huggingface.co/openai/whisper-small", NULL, NULL,
               "nothing is downloaded");
    check_find("cache.blank", "open ai/whisper", NULL, NULL, "nothing of that name");
    check_find("cache.hidden", ".cache/whisper", NULL, NULL, "nothing of that name");
    check_find("cache.dots", "openai/..", NULL, NULL, "nothing of that name");
    unsetenv("WHISPERNPU_MODEL");
    check_find("cache.never_by_default", NULL, NULL, "data/whispernpu/default.safetensors", NULL);
}

/* One model each in folders that variables name, from the lowest priority to the highest. */
static void test_find_variables(void)
{
    static const struct {
        const char *test, *variable, *value; /* of the variable; "R" stands for the folder */
        const char *hub;
    } steps[] = {
        {"home", "HOME", "R/h", "h/.cache/huggingface/hub"},
        {"xdg", "XDG_CACHE_HOME", "R/xdg", "xdg/huggingface/hub"},
        {"xdg_tilde", "XDG_CACHE_HOME", "~/tilde", "h/tilde/huggingface/hub"},
        {"hf_home", "HF_HOME", "R/hfh", "hfh/hub"},
        {"hf_home_tilde", "HF_HOME", "~/x", "h/x/hub"},
        {"hf_home_tilde_alone", "HF_HOME", "~", "h/hub"},
        {"hf_home_variable", "HF_HOME", "$HOME/dollar", "h/dollar/hub"},
        {"hf_home_braces", "HF_HOME", "${HOME}/braces$", "h/braces$/hub"},
        {"hf_home_unset", "HF_HOME", "R/$NO_SUCH/${HOME", "$NO_SUCH/${HOME/hub"},
        {"hf_home_other", "HF_HOME", "R/~user", "~user/hub"},
        {"old", "HUGGINGFACE_HUB_CACHE", "R/old", "old"},
        {"old_tilde", "HUGGINGFACE_HUB_CACHE", "~/old2", "h/old2"},
        {"new", "HF_HUB_CACHE", "R/new", "new"},
        {"new_tilde", "HF_HUB_CACHE", "~/new2", "h/new2"},
    };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        char want[256], file[256], value[256], name[64];
        const char *rest = steps[i].value + (steps[i].value[0] == 'R');
        snprintf(value, sizeof(value), "%s%s", rest == steps[i].value ? "" : root, rest);
        setenv(steps[i].variable, value, 1);
        snprintf(file, sizeof(file), "%s/models--openai--whisper-small/refs/main", steps[i].hub);
        make_file(file, "5a");
        snprintf(want, sizeof(want),
                 "%s/models--openai--whisper-small/snapshots/5a/model.safetensors", steps[i].hub);
        make_file(want, "x");
        snprintf(name, sizeof(name), "variable.%s", steps[i].test);
        check_find(name, "openai/whisper-small", NULL, want, NULL);
    }
    setenv("HF_HUB_CACHE", "", 1); /* as good as unset */
    check_find("variable.empty", "openai/whisper-small", NULL,
               "h/old2/models--openai--whisper-small/snapshots/5a/model.safetensors", NULL);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        unsetenv(steps[i].variable);
}

/* Without refs/main. */
static void test_find_snapshots(void)
{
    const char *name = "openai/whisper-tiny";
    setenv("HF_HUB_CACHE", in_root("snap"), 1);
    make_file("snap/models--openai--whisper-tiny/snapshots/readme", "x");
    check_find("snapshot.none", name, NULL, NULL, "hf download openai/whisper-tiny");
    make_file("snap/models--openai--whisper-tiny/snapshots/aa/config.json", "{}");
    check_find("snapshot.without_weights", name, NULL, NULL, "snapshots/aa/model.safetensors");
    make_file("snap/models--openai--whisper-tiny/snapshots/aa/model.safetensors", "x");
    check_find("snapshot.only", name, NULL,
               "snap/models--openai--whisper-tiny/snapshots/aa/model.safetensors", NULL);
    make_file("snap/models--openai--whisper-tiny/snapshots/bb/model.safetensors", "x");
    check_find("snapshot.two", name, NULL, NULL, "aa, bb; give the path");
    make_file("snap/models--openai--whisper-tiny/refs/main", "bb");
    check_find("snapshot.named", name, NULL,
               "snap/models--openai--whisper-tiny/snapshots/bb/model.safetensors", NULL);
    make_file("snap/models--openai--whisper-tiny/refs/main", "cc");
    check_find("snapshot.named_is_missing", name, NULL, NULL, "snapshots/cc/model.safetensors");
    make_file("snap/models--openai--whisper-tiny/refs/main", "");
    check_find("snapshot.reference_empty", name, NULL, NULL, "found something else");
    unsetenv("HF_HUB_CACHE");
}

static struct attempt attempt_find(const char *name)
{
    char *path = NULL;
    int code = npu_model_find(&path, name, NULL, &error);
    bool right = code ? !path : path && strstr(path, "aa/model.fp16.safetensors.index.json");
    free(path);
    return (struct attempt){code, right};
}

/* Each allocation of a search fails, of a search that goes to the last place. */
static void test_find_no_memory(void)
{
    setenv("HF_HUB_CACHE", in_root("$XDG_DATA_HOME/snap2"), 1);
    make_file("data/snap2/models--openai--whisper-tiny/snapshots/aa/"
              "model.fp16.safetensors.index.json",
              "{}");
    setenv("XDG_DATA_HOME", "data", 1);
    check_no_memory_of("find.no_memory", attempt_find, "openai/whisper-tiny");
    unsetenv("HF_HUB_CACHE");
}

int main(void)
{
    static const char *const variables[] = {"WHISPERNPU_MODEL",      "XDG_DATA_HOME",
                                            "XDG_CACHE_HOME",        "HF_HUB_CACHE",
                                            "HUGGINGFACE_HUB_CACHE", "HF_HOME"};
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);
    unsigned descriptors = count_descriptors();
    make_root();
    setenv("HOME", in_root("home"), 1);
    test_find_default();
    test_find_cached();
    test_find_folder();
    test_find_sizes();
    unsetenv("HF_HOME");
    unsetenv("HF_HUB_CACHE");
    test_find_snapshots();
    test_find_no_memory();
    unsetenv("HOME");
    check_find("cache.no_variable", "openai/whisper-small", NULL, NULL, "HOME are unset");
    test_find_variables();
    check_descriptors(descriptors);
    remove_root();
    return check_finish();
}
