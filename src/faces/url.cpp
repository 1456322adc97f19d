#include "faces/url.h"

#include <fmt/format.h>

#include "domain/machine.h"
#include "domain/rotation.h"

namespace slipway::faces {
namespace {

// A dot may stand in a URL as it is, but clients cut one at its first dot to find the name behind the password.
bool plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '~';
}

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (plain(c)) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

}  // namespace

std::string address_of(const Endpoint& endpoint) {
    const bool bare_ipv6 = endpoint.host.find(':') != std::string::npos;
    return fmt::format("{}:{}", bare_ipv6 ? "[" + endpoint.host + "]" : endpoint.host, endpoint.port);
}

std::string url_of(const Endpoint& endpoint, const std::optional<Secret>& password) {
    return url_of(endpoint, password, password ? kDefaultUser : "");
}

std::string url_of(const Endpoint& endpoint, const std::optional<Secret>& password, std::string_view user) {
    std::string credentials = percent_encoded(user);
    if (password) credentials += ":" + percent_encoded(password->reveal());
    if (!credentials.empty()) credentials += "@";
    return fmt::format("{}://{}{}", endpoint.scheme, credentials, address_of(endpoint));
}

namespace {

// What a client has to say where the server takes nobody without TLS. MySQL's URLs have no words for it.
std::string_view encryption_of(const Resource& resource) {
    const bool required = json::get_string(resource.handle, "tls") == "require";
    return required && resource.engine == "postgres" ? "?sslmode=require" : "";
}

}  // namespace

Access access_of(const Resource& resource, const Endpoint& endpoint, const std::optional<Secret>& password) {
    // What is so wins over what was asked for.
    const auto known = [&](std::string_view key) {
        std::string now = json::get_string(resource.handle, key);
        return now.empty() ? json::get_string(resource.parameters, key) : now;
    };
    switch (resource.kind) {
        case Kind::machine: {
            Access access{username_of(resource), "", {}};
            access.url = url_of(endpoint, std::nullopt, access.user);
            return access;
        }
        case Kind::cache:
        case Kind::cluster:
        case Kind::backup: return {password ? kDefaultUser : "", "", url_of(endpoint, password)};
        case Kind::database_server: {
            Access access{login_of(resource), resource.engine == "postgres" ? "postgres" : "", {}};
            access.url = fmt::format("{}/{}{}", url_of(endpoint, password, access.user), access.database,
                                     encryption_of(resource));
            return access;
        }
        case Kind::database: {
            Access access{login_of(resource), known("database"), {}};
            access.url = fmt::format("{}/{}{}", url_of(endpoint, password, access.user),
                                     percent_encoded(access.database), encryption_of(resource));
            return access;
        }
    }
    return {};
}

}  // namespace slipway::faces
