#include "providers/machines/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/digest.h"
#include "domain/machine.h"
#include "providers/provider_error.h"

namespace slipway::machines {
namespace {

using boost::asio::ip::address_v4;

constexpr std::int64_t kMostCpus = 64;
constexpr std::int64_t kLeastBytes = std::int64_t{64} << 20U;
constexpr std::int64_t kMostBytes = std::int64_t{1} << 46U;

std::string identity_digest(const Target& target) {
    return sha256(fmt::format("{} {}", target.resource.str(), target.generation));
}

std::expected<std::int64_t, ProviderError> number(const Spec& spec, std::string_view key, std::int64_t least,
                                                  std::int64_t most, std::int64_t otherwise) {
    const json::value* found = spec.parameters.if_contains(key);
    if (found == nullptr) return otherwise;
    const std::int64_t value = found->is_int64() ? found->as_int64() : -1;
    if (value < least || value > most) {
        return refuse(ErrorClass::permanent, fmt::format("{} must be from {} to {}", key, least, most));
    }
    return value;
}

// As a shell reads it between single quotes.
std::string single_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

// cloud-init reads YAML, of which JSON is a part: nothing has to be quoted by us.
std::string user_data(const Shape& shape, const std::string& hash) {
    const json::object user{{"name", shape.login},
                            {"passwd", hash},
                            {"lock_passwd", false},
                            {"shell", "/bin/bash"},
                            {"sudo", "ALL=(ALL:ALL) ALL"}};
    const json::object data{{"hostname", shape.name},
                            {"ssh_pwauth", true},
                            {"disable_root", true},
                            {"users", json::array{user}},
                            {"chpasswd", json::object{{"expire", false}}}};
    return "#cloud-config\n" + json::dump(data) + "\n";
}

std::string meta_data(const Shape& shape) {
    return json::dump(json::object{{"instance-id", shape.uuid}, {"local-hostname", shape.name}}) + "\n";
}

std::string address_with_length(const Shape& shape) {
    return fmt::format("{}/{}", shape.address.to_string(), shape.net.subnet.prefix_length());
}

json::array nameservers_of(const Shape& shape) {
    json::array list;
    for (const address_v4& each : shape.net.nameservers) list.emplace_back(each.to_string());
    return list;
}

std::string network_config(const Shape& shape) {
    json::object device{
        {"match", json::object{{"macaddress", shape.mac}}},
        {"set-name", "eth0"},
        {"addresses", json::array{address_with_length(shape)}},
        {"routes", json::array{json::object{{"to", "0.0.0.0/0"}, {"via", shape.net.gateway.to_string()}}}}};
    if (!shape.net.nameservers.empty()) {
        device["nameservers"] = json::object{{"addresses", nameservers_of(shape)}};
    }
    return json::dump(json::object{{"version", 2}, {"ethernets", json::object{{"eth0", device}}}}) + "\n";
}

std::string machine_file(const Shape& shape, const std::string& hash) {
    std::vector<std::string> nameservers;
    for (const address_v4& each : shape.net.nameservers) nameservers.push_back(each.to_string());
    std::string text;
    for (const auto& [key, value] : {std::pair<std::string_view, std::string>{"HOSTNAME", shape.name},
                                     {"INSTANCE", shape.uuid},
                                     {"ADDRESS", address_with_length(shape)},
                                     {"GATEWAY", shape.net.gateway.to_string()},
                                     {"NAMESERVERS", fmt::format("{}", fmt::join(nameservers, " "))},
                                     {"MAC", shape.mac},
                                     {"LOGIN", shape.login},
                                     {"HASH", hash}}) {
        text += fmt::format("{}={}\n", key, single_quoted(value));
    }
    return text;
}

}  // namespace

std::string mac_of(const Target& target) {
    const std::string digest = identity_digest(target);
    return fmt::format("52:54:00:{}:{}:{}", digest.substr(0, 2), digest.substr(2, 2), digest.substr(4, 2));
}

std::string uuid_of(const Target& target) {
    std::string digest = identity_digest(target);
    digest[12] = '8';
    constexpr std::string_view variants = "89ab";
    digest[16] = variants[static_cast<std::size_t>(digest[16]) % variants.size()];
    return fmt::format("{}-{}-{}-{}-{}", digest.substr(0, 8), digest.substr(8, 4), digest.substr(12, 4),
                       digest.substr(16, 4), digest.substr(20, 12));
}

std::expected<Shape, ProviderError> shape_of(const Target& target, const Spec& spec, const Net& net) {
    Shape shape;
    shape.name = target.external_name;
    shape.uuid = uuid_of(target);
    shape.mac = mac_of(target);
    shape.net = net;
    const auto cpus = number(spec, "cpus", 1, kMostCpus, 1);
    if (!cpus) return std::unexpected(cpus.error());
    const auto memory = number(spec, "memory", kLeastBytes, kMostBytes, kLeastBytes * 2);
    if (!memory) return std::unexpected(memory.error());
    const auto disk = number(spec, "disk", kLeastBytes, kMostBytes, 0);
    if (!disk) return std::unexpected(disk.error());
    shape.cpus = *cpus;
    shape.memory = static_cast<std::uint64_t>(*memory);
    shape.disk = static_cast<std::uint64_t>(*disk);
    shape.image = json::get_string(spec.parameters, "image");
    shape.login = json::get_string(spec.parameters, "username");
    shape.warm = json::get_bool(spec.parameters, kWarm);
    if (shape.image.empty()) return refuse(ErrorClass::permanent, "its plan names no image");
    const auto address = spec.allocations.find("address");
    if (address == spec.allocations.end()) return refuse(ErrorClass::permanent, "it was given no address");
    shape.address = address_v4(static_cast<std::uint32_t>(address->second));
    if (!boost::asio::ip::network_v4(shape.address, 32).is_subnet_of(net.subnet)) {
        return refuse(ErrorClass::permanent, fmt::format("its address {} is not in the machines' subnet {}",
                                                         shape.address.to_string(), net.subnet.to_string()));
    }
    return shape;
}

std::vector<agent::FileContent> seed_files(const Shape& shape, const std::string& hash) {
    return {{"user-data", user_data(shape, hash)},
            {"meta-data", meta_data(shape)},
            {"network-config", network_config(shape)},
            {"machine", machine_file(shape, hash)}};
}

}  // namespace slipway::machines
