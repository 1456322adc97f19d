#include <algorithm>
#include <charconv>

#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include "base/address.h"
#include "broker/administration.h"

namespace slipway {
namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t kMaxUrl = 2'000;

bool is_port(std::string_view text) {
    std::uint32_t port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    return read.ec == std::errc() && read.ptr == text.data() + text.size() && port >= 1 && port <= 65'535;
}

bool is_localhost(std::string_view host) {
    return host == "localhost" || host.ends_with(".localhost") || host == "localhost.";
}

// "127.1" and "0x7f.1" are addresses to a resolver.
bool looks_like_number(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    const std::size_t dot = host.rfind('.');
    const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
    return !last.empty() && last.front() >= '0' && last.front() <= '9';
}

}  // namespace

std::optional<std::string> webhook_url_problem(std::string_view url, bool allow_private) {
    if (url.empty()) return "is required";
    if (url.size() > kMaxUrl) return fmt::format("must have at most {} bytes", kMaxUrl);
    const auto parsed = boost::urls::parse_uri(boost::core::string_view(url.data(), url.size()));
    if (!parsed) return "must be a URL, e.g. https://example.org/hook";
    const bool https = parsed->scheme_id() == boost::urls::scheme::https;
    if (!https && parsed->scheme_id() != boost::urls::scheme::http) return "must begin with https:// or http://";
    if (parsed->has_userinfo()) return "must not hold credentials: everybody of the organization can read it";
    if (parsed->has_fragment()) return "must not have a fragment";
    if (parsed->has_port() && !is_port(std::string(parsed->port()))) {
        return "must have a port between 1 and 65535, or none";
    }
    const std::string host(parsed->host_address());
    if (host.empty()) return "must name a host";
    boost::system::error_code no_address;
    const ip::address address = ip::make_address(host, no_address);
    if (no_address && parsed->host_type() != boost::urls::host_type::name) return "must name a host";
    if (no_address && (looks_like_number(host) || host.find('%') != std::string::npos)) {
        return "must name a host by its name or its address";
    }
    std::string lower = host;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    const bool here = no_address ? is_localhost(lower) : address.is_loopback();
    if (!https && !here) return "must begin with https://, but for addresses of this machine";
    const bool outside = no_address ? !is_localhost(lower) : is_public(address);
    if (!outside && !allow_private) {
        return "must not be an address of this machine or of a private network (webhooks.allow_private is off)";
    }
    return std::nullopt;
}

}  // namespace slipway
