#include "providers/local/parameters.h"

#include <boost/asio/ip/address.hpp>

#include "agent/protocol.h"
#include "base/digest.h"

namespace slipway::local {

std::unexpected<ProviderError> wrong(std::string message) {
    ProviderError error;
    error.error_class = ErrorClass::permanent;
    error.message = std::move(message);
    return std::unexpected(std::move(error));
}

std::expected<std::string, ProviderError> one_of(const json::object& parameters, std::string_view key,
                                                 std::span<const std::string_view> allowed) {
    if (!parameters.contains(key)) return std::string(allowed.front());
    std::string value = json::get_string(parameters, key);
    if (std::ranges::find(allowed, value) == allowed.end()) {
        return wrong(fmt::format("the plan's {} must be one of {}", key, fmt::join(allowed, ", ")));
    }
    return value;
}

std::expected<std::int64_t, ProviderError> between(const json::object& parameters, std::string_view key,
                                                   std::int64_t otherwise, std::int64_t first, std::int64_t last) {
    if (!parameters.contains(key)) return otherwise;
    const std::int64_t value = json::get_int(parameters, key, first - 1);
    if (value < first || value > last) {
        return wrong(fmt::format("the plan's {} must be a whole number from {} to {}", key, first, last));
    }
    return value;
}

std::expected<std::uint16_t, ProviderError> port_of(const Spec& spec) {
    const auto port = spec.allocations.find("port");
    if (port == spec.allocations.end() || port->second < 1 || port->second > 65535) {
        return wrong("no port was allocated for it");
    }
    return static_cast<std::uint16_t>(port->second);
}

std::string tenant_of(const json::object& parameters) {
    return parameters.contains("user") ? json::get_string(parameters, "user") : "admin";
}

std::string salt_of(const Target& target) {
    return sha256(fmt::format("{} {} {} {}", target.installation.str(), target.resource.str(), target.external_name,
                              target.generation));
}

std::expected<void, ProviderError> check_logins(const Spec& spec) {
    if (!agent::valid_role(tenant_of(spec.parameters))) {
        return wrong("the plan's user must match [A-Za-z_][A-Za-z0-9_-]{0,31} and be none of the server's own");
    }
    for (const std::string key : {"password", "management_password"}) {
        const auto found = spec.secrets.find(key);
        if (found == spec.secrets.end() || found->second.empty()) {
            return wrong(fmt::format("no {} was made for it", key));
        }
        if (!std::ranges::all_of(found->second.reveal(), [](char c) { return c >= ' ' && c <= '~'; })) {
            return wrong(fmt::format("the {} must be printable ASCII", key));
        }
    }
    return {};
}

std::vector<std::string> own_addresses(const std::vector<std::string>& listened_on) {
    std::vector<std::string> own;
    for (const std::string& each : listened_on) {
        boost::system::error_code error;
        const auto parsed = boost::asio::ip::make_address(each, error);
        if (!error && !parsed.is_loopback() && !parsed.is_unspecified()) own.push_back(each);
    }
    return own;
}

bool all_loopback(const std::vector<std::string>& addresses) {
    return std::ranges::all_of(addresses, [](const std::string& address) {
        boost::system::error_code error;
        const auto parsed = boost::asio::ip::make_address(address, error);
        return !error && parsed.is_loopback();
    });
}

}  // namespace slipway::local
