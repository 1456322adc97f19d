#include "images/import.h"

#include <algorithm>
#include <array>
#include <fstream>

#include <fmt/format.h>

#include "base/json.h"
#include "images/disk.h"
#include "images/files.h"
#include "images/qcow2.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostVirtual = 2ULL << 40U;
constexpr std::chrono::seconds kDownload = std::chrono::hours(2);
constexpr std::size_t kSector = 512;

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid_argument, std::move(message)); }

// Files that are often taken for disks, by what they begin with or have at a place.
struct Other {
    std::size_t at;
    std::string_view mark;
    std::string_view what;
};
constexpr std::array kOthers{
    Other{0, "KDMV", "a VMDK disk"},
    Other{0, "# Disk DescriptorFile", "the description of a VMDK disk"},
    Other{0, "conectix", "a VHD disk"},
    Other{0, "vhdxfile", "a VHDX disk"},
    Other{64, "\x7f\x10\xda\xbe", "a VDI disk"},
    Other{0, "QED", "a QED disk"},
    Other{0, "LUKS", "an encrypted disk"},
    Other{0, "\x1f\x8b", "compressed by gzip: unpack it first"},
    Other{0,
          "\xfd"
          "7zXZ",
          "compressed by xz: unpack it first"},
    Other{0, "\x28\xb5\x2f\xfd", "compressed by zstd: unpack it first"},
    Other{0, "BZh", "compressed by bzip2: unpack it first"},
    Other{0, "PK\x03\x04", "a zip archive: unpack it first"},
    Other{257, "ustar", "a tar archive: unpack it first"},
    Other{32'769, "CD001", "an ISO 9660 volume, perhaps of an installer"},
};

// "qcow2" or "raw".
Result<std::string> format_of(std::string_view beginning) {
    if (is_qcow2(beginning)) return std::string("qcow2");
    for (const Other& other : kOthers) {
        if (beginning.size() > other.at && beginning.substr(other.at).starts_with(other.mark)) {
            return refuse(fmt::format("it is {}; only qcow2 and raw disks are imported", other.what));
        }
    }
    // A raw disk has no mark of its own, but one that boots has a boot sector, or the one before a GPT.
    if (beginning.size() >= kSector && beginning.substr(kSector - 2).starts_with("\x55\xaa"))
        return std::string("raw");
    return refuse("it is neither a qcow2 disk nor a raw one with a boot sector");
}

Status check_qcow2(std::string_view beginning) {
    const auto header = read_qcow2_header(beginning);
    if (!header) return refuse(header.error().message);
    if (!header->backing_file.empty()) {
        return refuse(
            "it rests on another disk (a backing file), which would be read from this machine; make one disk of "
            "both with `qemu-img convert`");
    }
    if (header->external_data) return refuse("its data are in another file, which would be read from this machine");
    if (header->encrypted) return refuse("it is encrypted");
    return {};
}

// The same as QEMU sees it, and how large it is for a machine.
Result<std::uint64_t> check_with_qemu(const Programs& programs, const fs::path& disk, const std::string& format) {
    const auto said = programs.run({.words = {"qemu-img", "info", "--output=json", "-f", format, disk}});
    if (!said) return fail(said.error());
    const auto parsed = json::parse(said->output);
    if (!parsed || !parsed->is_object())
        return fail(ErrorCode::provider_failure, "qemu-img info says something unknown");
    const json::object& info = parsed->get_object();
    // Of "format-specific" the part that may name a file.
    std::string data_file;
    if (const json::value* specific = info.if_contains("format-specific");
        specific != nullptr && specific->is_object()) {
        const json::value* data = specific->get_object().if_contains("data");
        if (data != nullptr && data->is_object()) data_file = json::get_string(data->get_object(), "data-file");
    }
    if (json::get_string(info, "format") != format || info.contains("backing-filename") ||
        info.contains("full-backing-filename") || !data_file.empty() || json::get_bool(info, "encrypted")) {
        return refuse("it is encrypted or names other files");
    }
    const auto bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(json::get_int(info, "virtual-size"), 0));
    if (bytes == 0 || bytes > kMostVirtual || bytes % kSector != 0) {
        return refuse(
            fmt::format("as a disk it has {} bytes: 1 to {}, in sectors of 512, are taken", bytes, kMostVirtual));
    }
    return bytes;
}

// Into a file of our own, which nobody changes between the look at it and its use; its checksum.
Result<std::string> fetch(const ImportSource& source, const fs::path& to, const Workshop& workshop) {
    if (source.url.empty()) {
        workshop.say("copying it");
        const auto copied = copy_file(source.file, to, workshop.programs.stop());
        if (!copied && copied.error().code == ErrorCode::not_found) return refuse(copied.error().message);
        if (!copied) return fail(copied.error());
        return copied->sha256;
    }
    workshop.say("downloading it");
    const bool tls = source.url.starts_with("https:");
    const auto done = workshop.programs.run({.words = {"curl",
                                                       "--disable",
                                                       "--silent",
                                                       "--show-error",
                                                       "--fail",
                                                       "--globoff",
                                                       "--location",
                                                       "--max-redirs",
                                                       "10",
                                                       "--proto",
                                                       tls ? "=https" : "=http,https",
                                                       "--speed-limit",
                                                       "1000",
                                                       "--speed-time",
                                                       "60",
                                                       "--connect-timeout",
                                                       "30",
                                                       "--output",
                                                       to,
                                                       "--url",
                                                       source.url},
                                             .limit = kDownload});
    if (!done) return fail(done.error());
    workshop.say("reading it");
    const auto described = describe_file(to);
    if (!described) return fail(described.error());
    return described->sha256;
}

Result<std::string> beginning_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::string beginning(kQcow2Part, '\0');
    in.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
    beginning.resize(static_cast<std::size_t>(in.gcount()));
    return beginning;
}

Status check_source(const ImportSource& source) {
    if (source.file.empty() == source.url.empty()) return refuse("either a file or a URL is needed");
    if (!source.sha256.empty() && !is_sha256(source.sha256)) {
        return refuse("a SHA-256 has 64 hexadecimal digits, a to f in lower case");
    }
    if (source.url.empty()) return {};
    const std::string fault = fault_of_url(source.url, !source.sha256.empty());
    return fault.empty() ? Status() : refuse(fault);
}

}  // namespace

std::string title_of(const ImportSource& source) {
    if (source.url.empty()) return source.file.filename();
    return source.url.substr(0, source.url.find_first_of("?#"));
}

bool is_made_of(const Image& image, const ImportSource& source) {
    return source.sha256.empty() ? image.made_from.starts_with(title_of(source) + " (SHA-256 ")
                                 : image.made_from.contains(source.sha256);
}

std::string fault_of_url(const std::string& url, bool has_checksum) {
    const bool tls = url.starts_with("https://");
    if (!tls && !url.starts_with("http://")) return "only URLs of http:// and https:// are imported from";
    const std::string_view rest = std::string_view(url).substr(url.find("//") + 2);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#\\"));
    if (authority.contains('@')) return "a URL with a password is seen by every user of this machine";
    if (authority.empty() || !std::ranges::all_of(url, [](char c) { return c > ' ' && c <= '~'; })) {
        return "the URL has no host, or characters that have to be escaped";
    }
    if (!tls && !has_checksum) return "what comes by http:// can be anybody's: its SHA-256 is needed";
    return {};
}

Result<Image> import_image(const std::string& name, const ImportSource& source, const ImageStore& store,
                           const Workshop& workshop) {
    if (!valid_image_name(name)) {
        return refuse("a name of an image is 1 to 63 of a-z 0-9 . -, and begins with a letter or a digit");
    }
    if (Status good = check_source(source); !good) return fail(good.error());
    const Programs& programs = workshop.programs;
    const Status all = source.url.empty() ? programs.have({"qemu-img"}) : programs.have({"qemu-img", "curl"});
    if (!all) return fail(all.error());
    auto draft = store.begin(workshop.random);
    if (!draft) return fail(draft.error());
    const fs::path disk = draft->scratch() / "disk";
    const auto sha256 = fetch(source, disk, workshop);
    if (!sha256) return fail(sha256.error());
    if (!source.sha256.empty() && *sha256 != source.sha256) {
        return refuse(fmt::format("its SHA-256 is {}, which is not what was said", *sha256));
    }
    const auto beginning = beginning_of(disk);
    if (!beginning) return fail(beginning.error());
    const auto format = format_of(*beginning);
    if (!format) return fail(format.error());
    if (*format == "qcow2") {
        if (Status good = check_qcow2(*beginning); !good) return fail(good.error());
    }
    const auto bytes = check_with_qemu(programs, disk, *format);
    if (!bytes) return fail(bytes.error());
    workshop.say("making a disk of it");
    const fs::path made = draft->image() / "disk.qcow2";
    if (Status done = convert_disk(programs, disk, *format, made); !done) return fail(done.error());
    auto described = describe_file(made);
    if (!described) return fail(described.error());
    Image image;
    image.name = name;
    image.seed = Seed::cloud_init;
    image.disk = std::move(*described);
    image.virtual_bytes = *bytes;
    image.made_at = format_time(workshop.clock.now());
    image.made_from = fmt::format("{} (SHA-256 {})", title_of(source), *sha256);
    return store.install(std::move(*draft), image);
}

}  // namespace slipway::images
