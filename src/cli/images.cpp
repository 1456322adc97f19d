#include "cli/images.h"

#include <array>

#include <fmt/format.h>

#include "cli/listing.h"
#include "cli/waiting.h"

namespace slipway::cli {
namespace {

Failure failure_of(const Error& error) {
    switch (error.code) {
        case ErrorCode::not_found: return {Exit::not_found, error.message, "`slipway images ls` lists them"};
        case ErrorCode::cancelled: return {Exit::interrupted, "interrupted; nothing is changed"};
        case ErrorCode::invalid_argument:
        case ErrorCode::malformed:
        case ErrorCode::unauthenticated:
        case ErrorCode::forbidden:
        case ErrorCode::conflict:
        case ErrorCode::precondition_failed:
        case ErrorCode::idempotency_reuse:
        case ErrorCode::too_large:
        case ErrorCode::exhausted:
        case ErrorCode::timeout:
        case ErrorCode::unavailable:
        case ErrorCode::provider_failure:
        case ErrorCode::superseded:
        case ErrorCode::storage:
        case ErrorCode::internal: break;
    }
    return {Exit::failed, error.message};
}

Outcome<LocalImages*> images_of(Environment& environment) {
    if (environment.images != nullptr) return environment.images;
    return fail(Exit::failed, "this program has no images");
}

// The images, where the name may be one.
Outcome<LocalImages*> images_for(Environment& environment, const std::string& name) {
    auto images = images_of(environment);
    if (images && !(*images)->valid_name(name)) {
        return fail(Exit::usage, fmt::format("\"{}\" cannot be the name of an image", printable(name)),
                    "a-z, 0-9, - and ., up to 63, the first a letter or a digit");
    }
    return images;
}

std::string state_of(const json::object& image) { return cell(image, "problem") == "-" ? "ok" : "damaged"; }

std::string loader_of(const json::object& image) {
    if (!image.contains("disk")) return "-";
    return image.contains("kernel") ? "kernel" : "its own loader";
}

std::string disk_of(const json::object& image) {
    const json::object& disk = object_in(image, "disk");
    return disk.empty() ? "-" : bytes_text(json::get_int(disk, "virtual_bytes"));
}

std::string size_of(const json::object& image) {
    std::int64_t bytes = 0;
    for (const char* each : {"disk", "kernel", "initrd", "rootfs"})
        bytes += json::get_int(object_in(image, each), "bytes");
    return bytes == 0 ? "-" : bytes_text(bytes);
}

std::string file_text(const json::object& image, std::string_view key) {
    const json::object& file = object_in(image, key);
    if (file.empty()) return "-";
    return fmt::format("{}, {}, SHA-256 {}", cell(file, "file"), bytes_text(json::get_int(file, "bytes")),
                       cell(file, "sha256"));
}

Outcome<Exit> finish(Environment& environment, const Result<json::object>& made, std::string_view verb, bool json) {
    if (!made) return std::unexpected(failure_of(made.error()));
    if (json) {
        environment.out << json::dump(*made) << '\n';
    } else {
        environment.out << fmt::format("{} is {}: {} in {}\n", cell(*made, "name"), verb, size_of(*made),
                                       cell(*made, "directory"));
    }
    return Exit::ok;
}

// With its progress.
Result<json::object> do_work(Environment& environment, const ImageOptions& options,
                             const std::function<Result<json::object>(const LongWork&)>& work) {
    Result<json::object> made = slipway::fail(ErrorCode::internal, "it was not done");
    ProgressLine line(environment, printable(options.name), options.quiet);
    environment.do_work([&](const LongWork& side) { made = work(side); },
                        [&](const std::string& sentence) { line.show(sentence); });
    return made;
}

}  // namespace

std::string bytes_text(std::int64_t bytes) {
    constexpr std::array kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};
    constexpr double kStep = 1024;
    auto amount = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (amount >= kStep && unit + 1 < kUnits.size()) {
        amount /= kStep;
        ++unit;
    }
    const std::string number = fmt::format("{:.1f}", amount);
    return fmt::format("{} {}", number.ends_with(".0") ? number.substr(0, number.size() - 2) : number,
                       kUnits.at(unit));
}

Outcome<Exit> list_images(Environment& environment, const std::string& state_dir, Format format) {
    const auto images = images_of(environment);
    if (!images) return std::unexpected(images.error());
    const auto found = (*images)->list(state_dir);
    if (!found) return std::unexpected(failure_of(found.error()));
    const TimePoint now = environment.now();
    Listing listing;
    listing.columns = {
        column("IMAGE", "name"),
        {.head = "STATE", .text = state_of, .is_state = true},
        column("SEED", "seed", 2),
        {.head = "BOOTS BY", .text = loader_of, .drop = 3},
        {.head = "DISK", .text = disk_of, .to_the_right = true},
        {.head = "SIZE", .text = size_of, .drop = 1, .to_the_right = true},
        {.head = "CONTAINERS",
         .text = [](const json::object& image) { return image.contains("rootfs") ? "yes" : "no"; },
         .drop = 4},
        {.head = "AGE", .text = [now](const json::object& image) { return age(image, "made_at", now); }},
        wide_column("MADE FROM", "made_from"),
        wide_column("PROBLEM", "problem")};
    print_items(environment, *found, listing, format);
    return Exit::ok;
}

Outcome<Exit> show_image(Environment& environment, const std::string& state_dir, const ImageOptions& options,
                         bool json) {
    const auto images = images_for(environment, options.name);
    if (!images) return std::unexpected(images.error());
    const auto image = (*images)->show(state_dir, options.name);
    if (!image) return std::unexpected(failure_of(image.error()));
    if (json) {
        environment.out << json::dump(*image) << '\n';
    } else {
        print_fields(environment.out, {{"name", cell(*image, "name")},
                                       {"state", state_of(*image)},
                                       {"problem", cell(*image, "problem")},
                                       {"seed", cell(*image, "seed")},
                                       {"boots by", loader_of(*image)},
                                       {"disk of a machine", disk_of(*image)},
                                       {"disk", file_text(*image, "disk")},
                                       {"kernel", file_text(*image, "kernel")},
                                       {"initrd", file_text(*image, "initrd")},
                                       {"command line", cell(*image, "cmdline")},
                                       {"for containers", file_text(*image, "rootfs")},
                                       {"made at", cell(*image, "made_at")},
                                       {"made from", cell(*image, "made_from")},
                                       {"directory", cell(*image, "directory")}});
    }
    if (state_of(*image) != "ok") {
        return fail(Exit::failed, options.name + " is damaged: " + printable(cell(*image, "problem")),
                    "build or import it once more");
    }
    if (!options.check) return Exit::ok;
    const Status good = (*images)->check(state_dir, options.name);
    if (!good) return std::unexpected(failure_of(good.error()));
    environment.err << "every file is what its checksum says\n";
    return Exit::ok;
}

Outcome<Exit> build_image(Environment& environment, const std::string& state_dir, const ImageOptions& options,
                          bool json) {
    const auto images = images_of(environment);
    if (!images) return std::unexpected(images.error());
    std::string names;
    bool known = false;
    for (const auto& [name, help] : (*images)->recipes()) {
        names += (names.empty() ? "" : ", ") + name;
        known = known || name == options.name;
    }
    if (!known) {
        return fail(Exit::usage, fmt::format("\"{}\" is nothing that can be built", printable(options.name)),
                    fmt::format("one of: {}; `slipway images import` takes others", names));
    }
    return finish(environment,
                  do_work(environment, options,
                          [&](const LongWork& work) { return (*images)->build(state_dir, options.name, work); }),
                  "built", json);
}

Outcome<Exit> import_image(Environment& environment, const std::string& state_dir, const ImageOptions& options,
                           bool json) {
    if (options.file.empty() == options.url.empty()) {
        return fail(Exit::usage, "say where the disk is, by --file or by --url");
    }
    const auto images = images_for(environment, options.name);
    if (!images) return std::unexpected(images.error());
    return finish(environment,
                  do_work(environment, options,
                          [&](const LongWork& work) { return (*images)->import(state_dir, options, work); }),
                  "imported", json);
}

Outcome<Exit> remove_image(Environment& environment, const std::string& state_dir, const ImageOptions& options,
                           bool json) {
    const auto images = images_for(environment, options.name);
    if (!images) return std::unexpected(images.error());
    const Status removed = (*images)->remove(state_dir, options.name);
    if (!removed) return std::unexpected(failure_of(removed.error()));
    environment.out << (json ? json::dump(json::object{{"removed", options.name}}) : options.name + " is removed")
                    << '\n';
    return Exit::ok;
}

}  // namespace slipway::cli
