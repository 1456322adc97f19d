// How libvirt is told of a machine.
#include "providers/libvirt/domain_xml.h"

#include <sstream>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "agent/network.h"
#include "agent/world.h"
#include "base/digest.h"

namespace slipway::libvirt {
namespace {

constexpr const char* kMark = "slipway:machine";
constexpr const char* kRestored = "restored";
constexpr const char* kNamespace = "urn:slipway:machine";
constexpr std::uint64_t kKilobyte = 1024;
constexpr std::size_t kTagLength = 32;

using Node = pugi::xml_node;

Node add(Node parent, const char* name,
         std::initializer_list<std::pair<const char*, std::string>> attributes = {}) {
    Node made = parent.append_child(name);
    for (const auto& [key, value] : attributes) made.append_attribute(key) = value.c_str();
    return made;
}

void add_text(Node parent, const char* name, const std::string& text) {
    parent.append_child(name).text() = text.c_str();
}

std::string print(const pugi::xml_document& document) {
    std::ostringstream out;
    document.save(out, " ", pugi::format_indent | pugi::format_no_declaration);
    return out.str();
}

std::string data_of(const std::string& name) { return fmt::format("{}/{}/data", agent::kWorldInstances, name); }

void add_disk(Node devices, const char* format, const std::string& file, const char* target, bool read_only) {
    const Node disk = add(devices, "disk", {{"type", "file"}, {"device", "disk"}});
    add(disk, "driver", {{"name", "qemu"}, {"type", format}});
    add(disk, "source", {{"file", file}});
    add(disk, "target", {{"dev", target}, {"bus", "virtio"}});
    if (read_only) add(disk, "readonly");
}

// What a template draws from its processor would be the same in each machine that begins as one.
constexpr const char* kNoSeeds = "random.trust_cpu=off random.trust_bootloader=off";

void add_boot(Node domain, const Image& image, Begin begin) {
    const Node os = add(domain, "os");
    const Node type = add(os, "type", {{"arch", image.architecture}, {"machine", "q35"}});
    type.text() = "hvm";
    if (image.kernel.empty()) {
        add(os, "boot", {{"dev", "hd"}});
        return;
    }
    const std::string directory = fmt::format("{}/{}", agent::kWorldImages, image.directory);
    add_text(os, "kernel", fmt::format("{}/{}", directory, image.kernel));
    add_text(os, "initrd", fmt::format("{}/{}", directory, image.initrd));
    add_text(os, "cmdline",
             begin == Begin::wait ? fmt::format("{} {}", image.warm_cmdline, kNoSeeds) : image.cmdline);
}

// Its console can be attached to; what it says is kept in a file.
void add_console(Node devices, const std::string& data) {
    const Node serial = add(devices, "serial", {{"type", "unix"}});
    add(serial, "source", {{"mode", "bind"}, {"path", data + "/console.sock"}});
    add(serial, "log", {{"file", data + "/console.log"}, {"append", "on"}});
    add(serial, "target", {{"port", "0"}});
}

void add_devices(Node domain, const Shape& shape, const Run& run) {
    const Node devices = add(domain, "devices");
    const std::string data = data_of(shape.name);
    add_disk(devices, "qcow2", data + "/disk.qcow2", "vda", false);
    if (run.volume) add_disk(devices, "raw", data + "/seed.iso", "vdb", true);
    const Node device = add(devices, "interface", {{"type", "ethernet"}});
    add(device, "mac", {{"address", shape.mac}});
    add(device, "target", {{"dev", agent::tap_name(shape.address)}, {"managed", "no"}});
    add(device, "model", {{"type", "virtio"}});
    add_console(devices, data);
    const Node random = add(devices, "rng", {{"model", "virtio"}});
    add(random, "backend", {{"model", "random"}}).text() = "/dev/urandom";
    add(devices, "controller", {{"type", "usb"}, {"model", "none"}});
    add(devices, "memballoon", {{"model", "none"}});
}

}  // namespace

std::string domain_xml(const Shape& shape, const Image& image, const Run& run) {
    pugi::xml_document document;
    const Node domain = add(document.root(), "domain", {{"type", run.kvm ? "kvm" : "qemu"}});
    add_text(domain, "name", shape.name);
    add_text(domain, "uuid", shape.uuid);
    Node mark = add(add(domain, "metadata"), kMark, {{"xmlns:slipway", kNamespace}, {"tag", run.tag}});
    if (run.begin == Begin::restore) mark.append_attribute(kRestored) = true;
    add(domain, "memory", {{"unit", "KiB"}}).text() = std::to_string(shape.memory / kKilobyte).c_str();
    add_text(domain, "vcpu", std::to_string(shape.cpus));
    add_boot(domain, image, run.begin);
    add(add(domain, "features"), "acpi");
    if (run.kvm) add(domain, "cpu", {{"mode", "host-passthrough"}});
    add(domain, "clock", {{"offset", "utc"}});
    add_text(domain, "on_poweroff", "destroy");
    add_text(domain, "on_reboot", "restart");
    add_text(domain, "on_crash", "destroy");
    add_devices(domain, shape, run);
    return print(document);
}

std::string tag_of(const Shape& shape, const Image& image) {
    return sha256(domain_xml(shape, image, {})).substr(0, kTagLength);
}

Mark mark_in(const std::string& xml) {
    pugi::xml_document document;
    if (!document.load_string(xml.c_str())) return {};
    const Node mark = document.child("domain").child("metadata").child(kMark);
    return {mark.attribute("tag").value(), mark.attribute(kRestored).as_bool()};
}

std::string probe_xml(const std::string& name, const std::string& daemon) {
    pugi::xml_document document;
    const Node domain = add(document.root(), "domain", {{"type", "kvm"}});
    add_text(domain, "name", name);
    add(domain, "memory", {{"unit", "MiB"}}).text() = "16";
    add_text(domain, "vcpu", "1");
    const Node os = add(domain, "os");
    add(os, "type", {{"arch", "x86_64"}, {"machine", "pc"}}).text() = "hvm";
    add(os, "boot", {{"dev", "fd"}});
    add_text(domain, "on_poweroff", "destroy");
    add_text(domain, "on_reboot", "destroy");
    add_text(domain, "on_crash", "destroy");
    const Node devices = add(domain, "devices");
    const Node disk = add(devices, "disk", {{"type", "file"}, {"device", "floppy"}});
    add(disk, "driver", {{"name", "qemu"}, {"type", "raw"}});
    add(disk, "source", {{"file", data_of(daemon) + "/probe.img"}});
    add(disk, "target", {{"dev", "fda"}, {"bus", "fdc"}});
    add(disk, "readonly");
    add(devices, "memballoon", {{"model", "none"}});
    return print(document);
}

}  // namespace slipway::libvirt
