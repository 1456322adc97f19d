// The image "debian": the Debian of this machine's own archive, with systemd, cloud-init and OpenSSH, booted by its
// kernel. cloud-init takes everything from the volume beside the disk, and asks nobody else.
#include <algorithm>
#include <array>
#include <map>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "images/disk.h"
#include "images/files.h"
#include "images/recipes.h"
#include "images/tree.h"

namespace slipway::images {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kDiskBytes = 1024ULL * 1024 * 1024;
constexpr std::uint32_t kJournalMib = 32;
constexpr const char* kFileSystemId = "c1f0a6b2-7d3e-4e58-9b41-2f8d5a90e6c4";
// A network card keeps its name when the volume is taken away and devices move up.
constexpr const char* kCmdline = "root=LABEL=debian-root rw console=ttyS0 quiet net.ifnames=0";
constexpr const char* kKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
constexpr std::chrono::seconds kBootstrap = std::chrono::minutes(45);

const std::vector<std::string> kPackages{"systemd-sysv",   "udev",           "dbus",
                                         "cloud-init",     "sudo",           "iproute2",
                                         "netbase",        "openssh-server", "linux-image-cloud-amd64",
                                         "ca-certificates"};
// Of which it is said what they are in this image.
constexpr std::array<std::string_view, 3> kNamed{"systemd", "cloud-init", "openssh-server"};

constexpr const char* kCloudConfig =
    R"(# What this image is told, it is told by the volume labelled "cidata" at its first start.
datasource_list: [NoCloud]
# That volume is taken away afterwards: what it said holds on.
manual_cache_clean: true
ssh_pwauth: true
disable_root: true
ssh_genkeytypes: [ed25519]
manage_etc_hosts: localhost
# What a machine here has no use for takes seconds of every first start.
cloud_init_modules: [bootcmd, write-files, resizefs, mounts, set_hostname, update_hostname, update_etc_hosts, ca-certs,
                     users-groups, ssh]
cloud_config_modules: [set-passwords, apt-configure, ntp, timezone, runcmd]
cloud_final_modules: [package-update-upgrade-install, write-files-deferred, scripts-per-once, scripts-per-boot,
                      scripts-per-instance, scripts-user, ssh-authkey-fingerprints, keys-to-console, final-message,
                      power-state-change]
system_info:
  network:
    renderers: [networkd]
)";

// What comes from where it was made, and what each machine has to have of its own.
constexpr std::array kNotInAnImage{
    "dev",
    "etc/hostname",
    "etc/resolv.conf",
    "etc/ssh/ssh_host_ecdsa_key",
    "etc/ssh/ssh_host_ecdsa_key.pub",
    "etc/ssh/ssh_host_ed25519_key",
    "etc/ssh/ssh_host_ed25519_key.pub",
    "etc/ssh/ssh_host_rsa_key",
    "etc/ssh/ssh_host_rsa_key.pub",
    "etc/systemd/system/cloud-init.target.wants/cloud-init-hotplugd.socket",
    "etc/systemd/system/multi-user.target.wants/e2scrub_reap.service",
    "etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer",
    "etc/systemd/system/timers.target.wants/apt-daily.timer",
    "etc/systemd/system/timers.target.wants/e2scrub_all.timer",
};

struct Sources {
    std::string suite;
    std::vector<std::string> lines;  // as sources.list has them
};

// The archives of Debian that this machine's apt knows, its mirrors among them. A line of apt's answer: label,
// release, component, address.
Result<Sources> sources_of_this_machine(const Programs& programs) {
    const auto said = programs.run(
        {.words = {"apt-get", "indextargets", "--format", "$(LABEL)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)",
                   "Created-By: Packages", "Origin: Debian"}});
    if (!said) return fail(said.error());
    Sources found;
    std::string_view rest = said->output;
    while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        std::vector<std::string> fields;
        for (int i = 0; i < 3; ++i) {
            const std::size_t bar = std::min(line.find('|'), line.size());
            fields.emplace_back(line.substr(0, bar));
            line.remove_prefix(std::min(bar + 1, line.size()));
        }
        // A password in an address would be in the image, and in the list of processes while it is made.
        if (line.empty() || line.contains('@')) continue;
        if (fields[0] == "Debian" && (found.suite.empty() || fields[1].size() < found.suite.size())) {
            found.suite = fields[1];
        }
        std::string entry = fmt::format("deb [signed-by={}] {} {} {}", kKeyring, line, fields[1], fields[2]);
        if (std::ranges::find(found.lines, entry) == found.lines.end()) found.lines.push_back(std::move(entry));
    }
    if (!found.suite.empty()) return found;
    return fail(ErrorCode::unavailable,
                "apt knows no archive of Debian here (apt-get update), or only some with passwords");
}

// As root in namespaces of its own, so that nothing that it mounts or starts outlives it, whatever happens.
Run bootstrap(const Sources& sources, const fs::path& tar, const fs::path& scratch) {
    Run run{.words = {}, .limit = kBootstrap};
    if (::geteuid() == 0) {
        run.words = {"unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"};
        run.environment.push_back("TMPDIR=" + scratch.string());
    }
    run.words.insert(
        run.words.end(),
        {"mmdebstrap", "--quiet", "--variant=minbase", "--format=tar", "--architectures=amd64",
         "--aptopt=Acquire::Languages \"none\"", "--dpkgopt=path-exclude=/usr/share/man/*",
         "--dpkgopt=path-exclude=/usr/share/info/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
         "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
         fmt::format("--include={}", fmt::join(kPackages, ",")), sources.suite, tar});
    run.words.insert(run.words.end(), sources.lines.begin(), sources.lines.end());
    return run;
}

void make_an_image_of(Tree& tree) {
    for (const char* each : kNotInAnImage) tree.remove(each);
    tree.directory("dev");
    tree.file("etc/cloud/cloud.cfg.d/90_slipway.cfg", kCloudConfig);
    // As cloud-init would write it, which would then restart the SSH server.
    tree.file("etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n", 0600);
    // Each machine writes one of its own.
    tree.file("etc/machine-id", "");
    tree.file("etc/fstab", "LABEL=debian-root / ext4 errors=remount-ro 0 1\n");
    tree.file("etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    // There are no routers of IPv6 here, and a network that waits for their word is up 12 seconds later.
    tree.file("etc/systemd/network/10-cloud-init-eth0.network.d/no-router.conf", "[Network]\nIPv6AcceptRA=no\n");
    const std::string units = "/lib/systemd/system/";
    const std::string enabled = "etc/systemd/system/";
    tree.link(enabled + "dbus-org.freedesktop.network1.service", units + "systemd-networkd.service");
    tree.link(enabled + "multi-user.target.wants/systemd-networkd.service", units + "systemd-networkd.service");
    tree.link(enabled + "sockets.target.wants/systemd-networkd.socket", units + "systemd-networkd.socket");
    tree.link(enabled + "network-online.target.wants/systemd-networkd-wait-online.service",
              units + "systemd-networkd-wait-online.service");
}

// The one file in /boot that begins so.
Result<fs::path> boot_file(const Tree& tree, std::string_view prefix) {
    const std::string beginning = fmt::format("boot/{}", prefix);
    const auto found = tree.nodes().lower_bound(beginning);
    if (found == tree.nodes().end() || !found->first.starts_with(beginning) || found->second.source.empty()) {
        return fail(ErrorCode::provider_failure, fmt::format("there is no {}* in it", beginning));
    }
    return found->second.source;
}

// "Debian bookworm: linux-image-6.1.0-57-cloud-amd64 6.1.192-3, systemd 252.39-1~deb12u1, …"
Result<std::string> origin_of(const Tree& tree, const std::string& suite) {
    const auto status = tree.nodes().find("var/lib/dpkg/status");
    if (status == tree.nodes().end()) return fail(ErrorCode::provider_failure, "there are no packages in it");
    constexpr std::size_t kMostStatus = 16UL * 1024 * 1024;
    const auto text = read_small_file(status->second.source, kMostStatus);
    if (!text) return fail(text.error());
    std::vector<std::string> named;
    std::string package;
    std::string_view rest = *text;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        constexpr std::string_view kPackage = "Package: ";
        constexpr std::string_view kVersion = "Version: ";
        if (line.starts_with(kPackage)) package = line.substr(kPackage.size());
        if (!line.starts_with(kVersion)) continue;
        const bool kernel = package.starts_with("linux-image-") && package != "linux-image-cloud-amd64";
        if (kernel || std::ranges::find(kNamed, package) != kNamed.end()) {
            named.push_back(fmt::format("{} {}", package, line.substr(kVersion.size())));
        }
    }
    return fmt::format("Debian {}: {}", suite, fmt::join(named, ", "));
}

Result<Image> describe(const Draft& draft) {
    Image image;
    image.seed = Seed::cloud_init;
    image.virtual_bytes = kDiskBytes;
    image.cmdline = kCmdline;
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

Status take_boot_files(const Tree& tree, const Draft& draft, const StopSign& stop) {
    for (const auto& [prefix, name] : {std::pair{"vmlinuz-", "vmlinuz"}, {"initrd.img-", "initrd"}}) {
        const auto file = boot_file(tree, prefix);
        if (!file) return fail(file.error());
        if (const auto copied = copy_file(*file, draft.image() / name, stop); !copied) return fail(copied.error());
    }
    return {};
}

// A container's kernel and disks are its host's.
Status write_rootfs(Tree tree, const Draft& draft, const StopSign& stop) {
    for (const char* each : {"boot", "lib/modules", "usr/lib/modules"}) tree.remove(each);
    tree.directory("boot");
    tree.file("etc/fstab", "");
    return write_tar(tree, draft.image() / "rootfs.tar", stop);
}

Status write_disk(const Tree& tree, const Draft& draft, const fs::path& files, const Programs& programs) {
    const FileSystem wanted{
        .label = "debian-root", .uuid = kFileSystemId, .bytes = kDiskBytes, .journal_mib = kJournalMib};
    const fs::path raw = draft.scratch() / "disk.raw";
    if (Status made = make_root_disk(programs, tree, wanted, files, raw); !made) return made;
    return convert_disk(programs, raw, "raw", draft.image() / "disk.qcow2");
}

}  // namespace

Result<Image> build_debian(const Draft& draft, const Workshop& workshop) {
    const Programs& programs = workshop.programs;
    if (Status all = programs.have({"apt-get", "mmdebstrap", "unshare", "mke2fs", "debugfs", "e2fsck", "qemu-img"});
        !all) {
        return fail(all.error());
    }
    const auto sources = sources_of_this_machine(programs);
    if (!sources) return fail(sources.error());
    workshop.say(fmt::format("installing {} into a directory (some minutes)", sources->suite));
    const fs::path files = draft.scratch() / "files";
    const fs::path room = draft.scratch() / "tmp";
    std::error_code error;
    fs::create_directory(files, error);
    fs::create_directory(room, error);
    if (error) return fail(ErrorCode::storage, fmt::format("{}: {}", room.string(), error.message()));
    const fs::path tar = draft.scratch() / "root.tar";
    if (const auto done = programs.run(bootstrap(*sources, tar, room)); !done) return fail(done.error());
    workshop.say("making the disk");
    Tree tree;
    if (Status read = add_tar(tree, tar, files, programs.stop()); !read) return fail(read.error());
    fs::remove(tar, error);  // its files are all there
    if (Status taken = take_boot_files(tree, draft, programs.stop()); !taken) return fail(taken.error());
    auto origin = origin_of(tree, sources->suite);
    if (!origin) return fail(origin.error());
    make_an_image_of(tree);
    if (Status made = write_disk(tree, draft, files, programs); !made) return fail(made.error());
    if (Status made = write_rootfs(std::move(tree), draft, programs.stop()); !made) return fail(made.error());
    auto image = describe(draft);
    if (image) image->made_from = std::move(*origin);
    return image;
}

}  // namespace slipway::images
