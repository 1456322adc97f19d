// The image "tiny": Debian's kernel for virtual machines, busybox and dropbear, and the scripts in guest/.
#include <map>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "images/disk.h"
#include "images/elf.h"
#include "images/files.h"
#include "images/guest.h"
#include "images/modules.h"
#include "images/packages.h"
#include "images/recipes.h"
#include "images/tree.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kDiskBytes = 64ULL * 1024 * 1024;  // a machine's disk may be larger, and none is smaller
constexpr const char* kCmdline = "console=ttyS0 quiet";
constexpr const char* kFileSystemId = "5b2f7d34-9a0c-4f6e-8d15-6c1a2e90b3d7";
constexpr std::uint32_t kProgram = 0755;
constexpr const char* kLibraries = "lib/x86_64-linux-gnu";
constexpr const char* kLoader = "ld-linux-x86-64.so.2";

// What a machine has by virtio, the volume that says who it is, and the power button; besides what is built in.
const std::vector<std::string> kModules{"virtio_pci", "virtio_blk", "virtio_net", "virtio_rng",
                                        "ext4",       "isofs",      "button",     "evdev"};
const std::vector<std::string> kPackages{"busybox-static", "dropbear-bin", "e2fsprogs"};
// What is taken out of them besides busybox.
const std::vector<std::string> kPrograms{"dropbear", "dropbearkey", "dropbearconvert", "resize2fs"};

// Logins and groups of the image's own: nobody logs in with one of them.
constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";
constexpr const char* kGroup = "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n";
constexpr const char* kShadow = "root:*:18262:0:99999:7:::\nnobody:*:18262:0:99999:7:::\n";

// The files of unpacked packages by their names alone, as programs and libraries are asked for.
class Unpacked {
  public:
    static Result<Unpacked> at(const fs::path& root) {
        Unpacked made;
        std::error_code error;
        for (auto each = fs::recursive_directory_iterator(root, error); each != fs::recursive_directory_iterator();
             each.increment(error)) {
            if (each->path().filename() == "share")
                each.disable_recursion_pending();  // neither programs nor libraries
            if (!each->is_directory()) made.add(each->path(), each->is_symlink());
        }
        if (error) return fail(ErrorCode::storage, fmt::format("{}: {}", root.string(), error.message()));
        return made;
    }
    // A link is followed by the name that it leads to: what it says of directories holds where the package is
    // installed.
    [[nodiscard]] Result<fs::path> find(const std::string& name) const {
        std::string wanted = name;
        constexpr int kMostLinks = 8;
        for (int i = 0; i < kMostLinks; ++i) {
            const auto found = files_.find(wanted);
            if (found == files_.end()) break;
            std::error_code error;
            const fs::path target = fs::read_symlink(found->second, error);
            if (error) return found->second;
            wanted = target.filename();
        }
        return fail(ErrorCode::unavailable, fmt::format("{} is in none of the packages", name));
    }

  private:
    // Of several files of a name the one that is no link counts, and of those always the same, in whatever order
    // the file system has them.
    void add(const fs::path& path, bool link) {
        const auto [at, is_new] = files_.emplace(path.filename(), path);
        if (is_new) return;
        const bool other_is_link = fs::is_symlink(at->second);
        if (link != other_is_link ? other_is_link : path < at->second) at->second = path;
    }

    std::map<std::string, fs::path> files_;
};

Status add_program(Tree& tree, const Unpacked& packages, const std::string& name) {
    const auto file = packages.find(name);
    if (!file) return fail(file.error());
    return tree.copy(*file, "bin/" + name, kProgram);
}

// Every library that the programs in the tree are linked with, and those that these are.
Status add_libraries(Tree& tree, const Unpacked& packages) {
    std::vector<std::string> left;
    const auto note = [&](const std::string& content) -> Status {
        auto needed = needed_libraries(content);
        if (!needed) return fail(needed.error());
        left.insert(left.end(), needed->begin(), needed->end());
        return {};
    };
    for (const std::string& name : kPrograms) {
        if (Status noted = note(tree.nodes().at("bin/" + name).content); !noted) return noted;
    }
    left.emplace_back(kLoader);
    while (!left.empty()) {
        const std::string name = std::move(left.back());
        left.pop_back();
        const std::string path = fmt::format("{}/{}", kLibraries, name);
        if (tree.nodes().contains(path)) continue;
        const auto file = packages.find(name);
        if (!file) return fail(file.error());
        if (Status added = tree.copy(*file, path, kProgram); !added) return added;
        if (Status noted = note(tree.nodes().at(path).content); !noted) return noted;
    }
    tree.link(fmt::format("lib64/{}", kLoader), fmt::format("../{}/{}", kLibraries, kLoader));
    return {};
}

void add_guest_files(Tree& tree) {
    for (const char* each : {"dev", "home", "mnt", "proc", "run", "sys", "etc/dropbear", "var/log"}) {
        tree.directory(each);
    }
    tree.directory("root", 0700);
    tree.directory("tmp", 01777);
    tree.link("sbin", "bin");
    tree.link("usr/bin", "../bin");
    tree.link("usr/sbin", "../bin");
    tree.link("usr/lib", "../lib");
    tree.link("var/run", "../run");
    tree.file("etc/inittab", std::string(kGuestInittab));
    tree.file("etc/slipway/boot", std::string(kGuestBoot), kProgram);
    tree.file("etc/slipway/console", std::string(kGuestConsole), kProgram);
    tree.file("etc/slipway/stop", std::string(kGuestStop), kProgram);
    // Where acpid looks for what to do.
    tree.file("etc/acpi/PWRF/00000080", std::string(kGuestPowerButton), kProgram);
    // Those in etc/slipway stay as they are, and a login is added to copies of them.
    for (const char* directory : {"etc", "etc/slipway"}) {
        tree.file(fmt::format("{}/passwd", directory), kPasswd);
        tree.file(fmt::format("{}/group", directory), kGroup);
        tree.file(fmt::format("{}/shadow", directory), kShadow, 0600);
    }
    tree.file("etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n");
    tree.file("etc/issue", "Slipway tiny, \\n\n\n");
    tree.file("etc/os-release", "ID=slipway-tiny\nNAME=\"Slipway tiny\"\nPRETTY_NAME=\"Slipway tiny\"\n");
    tree.file("etc/shells", "/bin/sh\n");
}

// busybox is many programs, and a link for each.
Status add_busybox(Tree& tree, const Unpacked& packages, const Programs& programs) {
    const auto busybox = packages.find("busybox");
    if (!busybox) return fail(busybox.error());
    if (Status added = tree.copy(*busybox, "bin/busybox", kProgram); !added) return added;
    const auto list = programs.run({.words = {*busybox, "--list"}});
    if (!list) return fail(list.error());
    std::string_view rest = list->output;
    while (!rest.empty()) {
        const std::string_view name = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(name.size() + 1, rest.size()));
        if (!name.empty() && name != "busybox") tree.link(fmt::format("bin/{}", name), "busybox");
    }
    return {};
}

Result<Tree> make_root(const Unpacked& packages, const Programs& programs) {
    Tree tree;
    add_guest_files(tree);
    if (Status added = add_busybox(tree, packages, programs); !added) return fail(added.error());
    for (const std::string& name : kPrograms) {
        if (Status added = add_program(tree, packages, name); !added) return fail(added.error());
    }
    if (Status added = add_libraries(tree, packages); !added) return fail(added.error());
    return tree;
}

Result<Tree> make_initrd(const Unpacked& packages, const Kernel& kernel) {
    Tree tree;
    for (const char* each : {"dev", "proc", "root", "run", "sys"}) tree.directory(each);
    tree.file("init", std::string(kGuestInitrdInit), kProgram);
    if (Status added = add_program(tree, packages, "busybox"); !added) return fail(added.error());
    for (const char* each :
         {"sh", "cp", "findfs", "insmod", "mkdir", "mount", "poweroff", "switch_root", "usleep"}) {
        tree.link(fmt::format("bin/{}", each), "busybox");
    }
    const auto modules = modules_in_order(kernel.modules, kModules);
    if (!modules) return fail(modules.error());
    std::string order;
    for (const fs::path& each : *modules) {
        const std::string name = each.filename();
        if (Status copied = tree.copy(each, "lib/modules/" + name); !copied) return fail(copied.error());
        order += name + "\n";
    }
    tree.file("lib/modules/order", order);
    return tree;
}

// gzip puts the result beside it.
Status write_initrd(const Tree& tree, const Draft& draft, const Programs& programs) {
    const fs::path plain = draft.scratch() / "initrd";
    if (Status written = write_file(plain, cpio_of(tree)); !written) return written;
    const auto packed = programs.run({.words = {"gzip", "-n", "-9", plain}});
    if (!packed) return fail(packed.error());
    std::error_code error;
    fs::rename(plain.string() + ".gz", draft.image() / "initrd", error);
    return error ? fail(ErrorCode::storage, fmt::format("{}: {}", plain.string(), error.message())) : Status();
}

Status write_root(const Tree& tree, const Draft& draft, const Programs& programs) {
    if (Status written = write_file(draft.image() / "rootfs.tar", tar_of(tree)); !written) return written;
    const fs::path files = draft.scratch() / "files";
    const fs::path raw = draft.scratch() / "disk.raw";
    std::error_code error;
    fs::create_directory(files, error);
    if (error) return fail(ErrorCode::storage, fmt::format("{}: {}", files.string(), error.message()));
    const FileSystem wanted{.label = "slipway-root", .uuid = kFileSystemId, .bytes = kDiskBytes};
    if (Status made = make_root_disk(programs, tree, wanted, files, raw); !made) return made;
    return convert_disk(programs, raw, "raw", draft.image() / "disk.qcow2");
}

Result<Image> describe(const Draft& draft) {
    Image image;
    image.seed = Seed::slipway;
    image.virtual_bytes = kDiskBytes;
    image.cmdline = kCmdline;
    image.warm = true;  // guest/boot
    image.boot.emplace();
    image.rootfs.emplace();
    for (const auto& [name, file] : {std::pair{"disk.qcow2", &image.disk},
                                     {"vmlinuz", &image.boot->kernel},
                                     {"initrd", &image.boot->initrd},
                                     {"rootfs.tar", &*image.rootfs}}) {
        auto described = describe_file(draft.image() / name);
        if (!described) return fail(described.error());
        *file = std::move(*described);
    }
    return image;
}

}  // namespace

Result<Kernel> fetch_kernel(const Workshop& workshop, const fs::path& directory) {
    const fs::path files = directory / "packages";
    const fs::path root = directory / "root";
    std::error_code error;
    fs::create_directories(files, error);
    if (error) return fail(ErrorCode::storage, fmt::format("{}: {}", files.string(), error.message()));
    // A package of its own, without content, which needs the newest kernel.
    constexpr const char* kNewest = "linux-image-cloud-amd64";
    Packages newest(workshop.programs, files);
    if (Status done = newest.download({kNewest}); !done) return fail(done.error());
    for (const std::string& name : newest.get(kNewest).needs) {
        constexpr std::string_view kPrefix = "linux-image-";
        if (!name.starts_with(kPrefix)) continue;
        if (Status done = newest.download({name}); !done) return fail(done.error());
        workshop.say(fmt::format("unpacking {}", newest.title(name)));
        if (Status done = newest.unpack(root); !done) return fail(done.error());
        const std::string version = name.substr(kPrefix.size());
        // Where the package has merged them, /lib is in /usr.
        fs::path modules = root / "usr/lib/modules" / version;
        if (!fs::exists(modules, error)) modules = root / "lib/modules" / version;
        return Kernel{root / "boot" / ("vmlinuz-" + version), modules, newest.title(name)};
    }
    return fail(ErrorCode::unavailable, fmt::format("{} names no kernel", kNewest));
}

Result<Image> build_tiny(const Draft& draft, const Workshop& workshop) {
    const Programs& programs = workshop.programs;
    if (Status all = programs.have({"apt-get", "dpkg-deb", "mke2fs", "debugfs", "e2fsck", "gzip", "qemu-img"});
        !all) {
        return fail(all.error());
    }
    workshop.say("downloading the kernel");
    const auto kernel = fetch_kernel(workshop, draft.scratch() / "kernel");
    if (!kernel) return fail(kernel.error());
    workshop.say(fmt::format("downloading {} and the libraries that they need", fmt::join(kPackages, ", ")));
    std::error_code error;
    fs::create_directory(draft.scratch() / "packages", error);
    Packages packages(programs, draft.scratch() / "packages");
    if (Status done = packages.download_with_needs(kPackages); !done) return fail(done.error());
    if (Status done = packages.unpack(draft.scratch() / "programs"); !done) return fail(done.error());
    const auto unpacked = Unpacked::at(draft.scratch() / "programs");
    if (!unpacked) return fail(unpacked.error());
    workshop.say("making the initrd");
    const auto initrd = make_initrd(*unpacked, *kernel);
    if (!initrd) return fail(initrd.error());
    if (Status done = write_initrd(*initrd, draft, programs); !done) return fail(done.error());
    workshop.say("making the disk");
    const auto root = make_root(*unpacked, programs);
    if (!root) return fail(root.error());
    if (Status done = write_root(*root, draft, programs); !done) return fail(done.error());
    if (const auto copied = copy_file(kernel->file, draft.image() / "vmlinuz", programs.stop()); !copied) {
        return fail(copied.error());
    }
    auto image = describe(draft);
    if (!image) return image;
    image->made_from = kernel->title;
    for (const std::string& name : kPackages) image->made_from += ", " + packages.title(name);
    return image;
}

}  // namespace slipway::images
