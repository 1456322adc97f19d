#include "images/image.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/text.h"
#include "images/files.h"

namespace slipway::images {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::uint64_t kMostBytes = 16ULL << 40U;
constexpr std::size_t kLongestName = 63;
constexpr std::size_t kLongestFile = 100;
constexpr std::size_t kLongestCmdline = 1024;
constexpr std::size_t kLongestOrigin = 4096;
constexpr std::size_t kMostText = 64UL * 1024;
constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kShaDigits = 64;

bool digit(char c) { return c >= '0' && c <= '9'; }
bool lower(char c) { return c >= 'a' && c <= 'z'; }

// A name in the same directory, and of no hidden file.
bool is_file_name(std::string_view text) {
    const auto may_stand = [](char c) {
        return lower(c) || digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
    };
    return !text.empty() && text.size() <= kLongestFile && text[0] != '.' && text[0] != '-' && text != kImageFile &&
           std::ranges::all_of(text, may_stand);
}

// "2026-11-30T02:48:00Z", with a fraction or without.
bool is_time(std::string_view text) {
    constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
    if (text.size() <= kShape.size() || text.back() != 'Z') return false;
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        if (kShape[i] == 'd' ? !digit(text[i]) : text[i] != kShape[i]) return false;
    }
    std::string_view rest = text.substr(kShape.size());
    rest.remove_suffix(1);
    return rest.empty() || (rest.size() > 1 && rest[0] == '.' && std::ranges::all_of(rest.substr(1), digit));
}

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// One object of the document: every member is asked for, and what was not is a fault.
class Members {
  public:
    Members(const json::object& from, std::string path, std::vector<FieldProblem>& problems)
        : from_(from), path_(std::move(path)), problems_(problems) {}

    std::string text(std::string_view key, bool (*good)(std::string_view), std::string_view what) {
        const json::value* value = find(key);
        if (value == nullptr) return {};
        if (!value->is_string() || !good(value->get_string())) {
            fault(key, what);
            return {};
        }
        return std::string(value->get_string());
    }
    std::uint64_t bytes(std::string_view key) {
        const json::value* value = find(key);
        if (value == nullptr) return 0;
        const std::int64_t number = value->is_int64() ? value->get_int64() : 0;
        if (number > 0 && static_cast<std::uint64_t>(number) <= kMostBytes) {
            return static_cast<std::uint64_t>(number);
        }
        fault(key, fmt::format("must be a number of bytes, 1 to {}", kMostBytes));
        return 0;
    }
    const json::object* object(std::string_view key) {
        const json::value* value = find(key);
        if (value == nullptr) return nullptr;
        if (!value->is_object()) fault(key, "must be an object");
        return value->if_object();
    }
    bool yes(std::string_view key) {
        const json::value* value = find(key);
        if (value == nullptr || value->is_bool()) return value != nullptr && value->get_bool();
        fault(key, "must be true or false");
        return false;
    }
    [[nodiscard]] bool has(std::string_view key) const { return from_.contains(key); }
    void fault(std::string_view key, std::string_view what) {
        problems_.push_back({path_ + std::string(key), std::string(what)});
    }
    // To be called last.
    void nothing_else() {
        for (const auto& member : from_) {
            if (!known_.contains(member.key())) fault(member.key(), "is no member of this object");
        }
    }

  private:
    const json::value* find(std::string_view key) {
        known_.emplace(key);
        const json::value* value = from_.if_contains(key);
        if (value == nullptr) fault(key, "is missing");
        return value;
    }

    const json::object& from_;
    std::string path_;
    std::vector<FieldProblem>& problems_;
    std::set<std::string, std::less<>> known_;
};

ImageFile read_file(Members& file) {
    return {.file = file.text("file", is_file_name,
                              "must be the name of a file in the image's directory (A-Z a-z 0-9 . _ -)"),
            .sha256 = file.text("sha256", is_sha256, "must have 64 hexadecimal digits, a to f in lower case"),
            .bytes = file.bytes("bytes")};
}

ImageFile read_file(Members& all, std::string_view key, std::vector<FieldProblem>& problems) {
    const json::object* found = all.object(key);
    if (found == nullptr) return {};
    Members file(*found, fmt::format("{}.", key), problems);
    ImageFile read = read_file(file);
    file.nothing_else();
    return read;
}

void read_disk(Members& all, Image& image, std::vector<FieldProblem>& problems) {
    const json::object* found = all.object("disk");
    if (found == nullptr) return;
    Members disk(*found, "disk.", problems);
    image.disk = read_file(disk);
    image.virtual_bytes = disk.bytes("virtual_bytes");
    constexpr std::uint64_t kSector = 512;
    if (image.virtual_bytes % kSector != 0) disk.fault("virtual_bytes", "must be a multiple of 512");
    disk.nothing_else();
}

void read_boot(Members& all, Image& image, std::vector<FieldProblem>& problems) {
    if (all.has("kernel") || all.has("initrd")) {
        image.boot.emplace();
        image.boot->kernel = read_file(all, "kernel", problems);
        image.boot->initrd = read_file(all, "initrd", problems);
    }
    if (all.has("warm")) {
        image.warm = all.yes("warm");
        if (image.warm && !image.boot) all.fault("warm", "is of no use without kernel and initrd");
    }
    if (!all.has("cmdline")) return;
    const auto good = [](std::string_view text) { return text.size() <= kLongestCmdline && is_printable(text); };
    image.cmdline =
        all.text("cmdline", good,
                 fmt::format("must be printable text without line ends, of {} bytes at most", kLongestCmdline));
    if (!image.boot) all.fault("cmdline", "is of no use without kernel and initrd");
}

// No two of the image's files may be one.
void check_names(const Image& image, std::vector<FieldProblem>& problems) {
    std::vector<std::pair<std::string, std::string>> names{{"disk.file", image.disk.file}};
    if (image.boot) {
        names.emplace_back("kernel.file", image.boot->kernel.file);
        names.emplace_back("initrd.file", image.boot->initrd.file);
    }
    if (image.rootfs) names.emplace_back("rootfs.file", image.rootfs->file);
    std::set<std::string> seen;
    for (const auto& [field, name] : names) {
        if (!name.empty() && !seen.insert(name).second)
            problems.push_back({field, "names a file that another member names"});
    }
}

json::object to_json(const ImageFile& file) {
    return {{"file", file.file}, {"sha256", file.sha256}, {"bytes", file.bytes}};
}

// In the order in which they are looked at.
std::vector<ImageFile> files_of(const Image& image) {
    std::vector<ImageFile> all{image.disk};
    if (image.boot) {
        all.push_back(image.boot->kernel);
        all.push_back(image.boot->initrd);
    }
    if (image.rootfs) all.push_back(*image.rootfs);
    return all;
}

Error named(const std::filesystem::path& path, Error error) {
    error.message = path.string() + ": " + error.message;
    return error;
}

}  // namespace

bool is_sha256(std::string_view text) {
    return text.size() == kShaDigits &&
           std::ranges::all_of(text, [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); });
}

std::string_view to_string(Seed seed) {
    switch (seed) {
        case Seed::slipway: return "slipway";
        case Seed::cloud_init: return "cloud-init";
    }
    return "unknown";
}

bool valid_image_name(std::string_view name) {
    const auto may_stand = [](char c) { return lower(c) || digit(c) || c == '.' || c == '-'; };
    return !name.empty() && name.size() <= kLongestName && (lower(name[0]) || digit(name[0])) &&
           std::ranges::all_of(name, may_stand);
}

Result<Image> read_image(std::string_view text) {
    const auto parsed = json::parse(text);
    if (!parsed) return fail(parsed.error());
    if (!parsed->is_object()) return fail(ErrorCode::malformed, "must be a JSON object");
    Error error{ErrorCode::invalid_argument, "describes no image", {}, {}};
    std::vector<FieldProblem>& problems = error.problems;
    Members all(parsed->get_object(), "", problems);
    // Of another format nothing else is known.
    if (json::get_int(parsed->get_object(), "format") != kFormat) {
        all.fault("format", "must be 1, the only one that this version knows");
        return fail(std::move(error));
    }
    all.bytes("format");
    Image image;
    image.name =
        all.text("name", valid_image_name, "must be 1 to 63 of a-z 0-9 . -, beginning with a letter or digit");
    all.text("architecture", [](std::string_view word) { return word == kArchitecture; }, "must be \"x86_64\"");
    const std::string seed = all.text(
        "seed", [](std::string_view word) { return word == "slipway" || word == "cloud-init"; },
        "must be \"slipway\" or \"cloud-init\"");
    image.seed = seed == "slipway" ? Seed::slipway : Seed::cloud_init;
    read_disk(all, image, problems);
    read_boot(all, image, problems);
    if (all.has("rootfs")) image.rootfs = read_file(all, "rootfs", problems);
    image.made_at = all.text("made_at", is_time, "must be a time like 2026-11-30T02:48:00Z");
    const auto good = [](std::string_view origin) { return origin.size() <= kLongestOrigin && valid_utf8(origin); };
    image.made_from =
        all.text("made_from", good, fmt::format("must be a text of {} bytes at most", kLongestOrigin));
    all.nothing_else();
    check_names(image, problems);
    if (!problems.empty()) return fail(std::move(error));
    return image;
}

std::string write_image(const Image& image) {
    json::object disk = to_json(image.disk);
    disk["virtual_bytes"] = image.virtual_bytes;
    json::object all{{"format", kFormat},
                     {"name", image.name},
                     {"architecture", kArchitecture},
                     {"seed", to_string(image.seed)},
                     {"disk", std::move(disk)},
                     {"made_at", image.made_at},
                     {"made_from", image.made_from}};
    if (image.boot) {
        all["kernel"] = to_json(image.boot->kernel);
        all["initrd"] = to_json(image.boot->initrd);
        all["cmdline"] = image.cmdline;
        if (image.warm) all["warm"] = true;
    }
    if (image.rootfs) all["rootfs"] = to_json(*image.rootfs);
    return json::dump(all) + "\n";
}

std::string content_id(const Image& image) {
    std::string text =
        fmt::format("{} {} {}\n{}\n", kArchitecture, to_string(image.seed), image.virtual_bytes, image.cmdline);
    for (const ImageFile& file : files_of(image)) text += fmt::format("{} {}\n", file.file, file.sha256);
    if (image.warm) text += "warm\n";
    return sha256(text).substr(0, kIdDigits);
}

Result<Image> open_image(const std::filesystem::path& directory) {
    const std::filesystem::path path = directory / kImageFile;
    const auto text = read_small_file(path, kMostText);
    if (!text) return fail(text.error());
    auto image = read_image(*text);
    if (!image) return fail(named(path, std::move(image.error())));
    image->directory = directory;
    for (const ImageFile& file : files_of(*image)) {
        const auto bytes = size_of_file(image->path_of(file));
        if (!bytes) return fail(bytes.error());
        if (*bytes != file.bytes) {
            return fail(ErrorCode::storage,
                        fmt::format("{} has {} bytes, and {} says {}", image->path_of(file).string(), *bytes,
                                    kImageFile, file.bytes));
        }
    }
    return image;
}

Status check_contents(const Image& image) {
    for (const ImageFile& file : files_of(image)) {
        const auto now = describe_file(image.path_of(file));
        if (!now) return fail(now.error());
        if (*now != file) {
            return fail(ErrorCode::storage, fmt::format("{} is not what {} says: its SHA-256 is {}",
                                                        image.path_of(file).string(), kImageFile, now->sha256));
        }
    }
    return {};
}

Result<ImageFile> describe_file(const std::filesystem::path& path) {
    Sha256 digest;
    const auto bytes = read_whole_file(path, [&](std::string_view piece) { digest.add(piece); });
    if (!bytes) return fail(bytes.error());
    return ImageFile{path.filename(), digest.hex(), *bytes};
}

std::string in_one_line(const Error& error) {
    std::string line = error.message;
    for (const FieldProblem& each : error.problems) {
        line += fmt::format("{}{} {}", &each == &error.problems.front() ? ": " : "; ", each.field, each.problem);
    }
    return line;
}

}  // namespace slipway::images
