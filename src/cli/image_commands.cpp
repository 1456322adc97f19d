// The grammar of the commands about machine images.
#include <CLI/CLI.hpp>

#include "cli/grammar.h"
#include "cli/images.h"

namespace slipway::cli {
namespace {

// They work on the state directory of this machine.
CLI::App* add_image_command(CLI::App& family, Parsed& parsed, CommandText text,
                            Outcome<Exit> (*act)(Environment&, const std::string&, const ImageOptions&, bool)) {
    return add_local_command(family, parsed, std::move(text), [&parsed, act](Environment& environment) {
        return act(environment, state_dir(parsed.common, environment), parsed.image, parsed.json());
    });
}

}  // namespace

void add_image_commands(CLI::App& app, Parsed& parsed) {
    ImageOptions& options = parsed.image;
    CLI::App* images = add_family(
        app, {"images", "disk images of machines, in the state directory of this machine", "Machine images",
              "  slipway images build tiny\n"
              "  slipway images import bookworm --file debian-12-genericcloud-amd64.qcow2\n"
              "  slipway images ls"});
    CLI::App* build = add_image_command(
        *images, parsed, {"build", "build one of packages of Debian; nothing of them is installed here", ""},
        build_image);
    add_argument(*build, "NAME", options.name, "tiny or debian")->type_name("RECIPE");
    build->add_flag("-q,--quiet", options.quiet, "show no progress");
    CLI::App* ls =
        add_local_command(*images, parsed, {"ls", "list images", ""}, [&parsed](Environment& environment) {
            return list_images(environment, state_dir(parsed.common, environment), parsed.format());
        });
    add_output_option(*ls, parsed);
    CLI::App* show =
        add_image_command(*images, parsed, {"show", "show one, with its files and checksums", ""}, show_image);
    add_argument(*show, "NAME", options.name, "its name")->type_name("IMAGE");
    show->add_flag("--check", options.check, "read all of it, and compare the checksums");
    CLI::App* import = add_image_command(
        *images, parsed,
        {"import", "take a cloud image: a qcow2 or raw disk that boots by itself and has cloud-init", ""},
        import_image);
    add_argument(*import, "NAME", options.name, "what it is called here: a-z, 0-9, - and ., up to 63");
    add_value(*import, "--file", options.file, "FILE", "the disk");
    add_value(*import, "--url", options.url, "URL", "or where it is downloaded from");
    add_value(*import, "--sha256", options.sha256, "HEX", "its checksum; needed for http://");
    import->add_flag("-q,--quiet", options.quiet, "show no progress");
    CLI::App* rm =
        add_image_command(*images, parsed, {"rm", "remove one that no machine rests on", ""}, remove_image);
    add_argument(*rm, "NAME", options.name, "its name")->type_name("IMAGE");
}

}  // namespace slipway::cli
