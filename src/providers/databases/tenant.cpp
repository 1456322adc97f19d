#include "providers/databases/tenant.h"

#include <charconv>

#include "domain/rotation.h"
#include "providers/databases/errors.h"

namespace slipway::databases {
namespace {

constexpr std::string_view kMark = "slipway:1 ";
constexpr std::string_view kLoginMark = "slipway-login:1 ";
constexpr std::int64_t kMostConnections = 10'000;
constexpr std::size_t kMostExtensions = 64;
constexpr std::size_t kMostExtensionName = 63;

// The next word, which a space ends; takes both away.
std::optional<std::string_view> word(std::string_view& text) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || space == 0) return std::nullopt;
    const std::string_view found = text.substr(0, space);
    text.remove_prefix(space + 1);
    return found;
}

std::string named(const Target& target, const Spec& spec, std::string_view key) {
    for (const json::object* from : {&spec.parameters, &target.handle}) {
        if (std::string name = json::get_string(*from, key); !name.empty()) return name;
    }
    return target.external_name;
}

bool is_extension(std::string_view name) {
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    return !name.empty() && name.size() <= kMostExtensionName &&
           name.find_first_not_of(kAllowed) == std::string_view::npos;
}

std::string marked(std::string_view mark, const Tag& tag) {
    return fmt::format("{}{} {} {} {} {}", mark, tag.installation.str(), tag.resource.str(), tag.generation,
                       tag.external_name, tag.database);
}

std::optional<Tag> parse_marked(std::string_view mark, std::string_view text) {
    if (!text.starts_with(mark)) return std::nullopt;
    text.remove_prefix(mark.size());
    const auto installation = word(text);
    const auto resource = word(text);
    const auto generation = word(text);
    const auto external_name = word(text);
    if (!installation || !resource || !generation || !external_name || text.empty()) return std::nullopt;
    Tag tag{InstallationId(std::string(*installation)), ResourceId(std::string(*resource)), 0,
            std::string(*external_name), std::string(text)};
    const auto read = std::from_chars(generation->data(), generation->data() + generation->size(), tag.generation);
    if (read.ec != std::errc() || read.ptr != generation->data() + generation->size()) return std::nullopt;
    return tag;
}

std::expected<std::vector<std::string>, ProviderError> extensions_of(const Spec& spec) {
    const json::value* const given = spec.parameters.if_contains("extensions");
    std::vector<std::string> names;
    if (given == nullptr) return names;
    constexpr std::string_view kWrong =
        "extensions must be a list of at most 64 names, each of a-z, 0-9, _ and -, at most 63 bytes";
    if (!given->is_array() || given->get_array().size() > kMostExtensions)
        return std::unexpected(permanent(kWrong));
    for (const json::value& each : given->get_array()) {
        if (!each.is_string() || !is_extension(each.get_string())) return std::unexpected(permanent(kWrong));
        names.emplace_back(each.get_string());
    }
    if (!names.empty() && spec.engine == "mysql") {
        return std::unexpected(permanent("extensions: MySQL has none"));
    }
    return names;
}

}  // namespace

std::string to_text(const Tag& tag) { return marked(kMark, tag); }
std::optional<Tag> parse_tag(std::string_view text) { return parse_marked(kMark, text); }
std::string to_login_text(const Tag& tag) { return marked(kLoginMark, tag); }
std::optional<Tag> parse_login_tag(std::string_view text) { return parse_marked(kLoginMark, text); }

std::expected<Tenant, ProviderError> names_of(const Target& target, const Spec& spec) {
    const auto spaced = [](std::string_view text) {
        return text.empty() || text.find_first_of(std::string_view(" \0\n", 3)) != std::string_view::npos;
    };
    if (spaced(target.external_name) || spaced(target.installation.str()) || spaced(target.resource.str())) {
        return std::unexpected(permanent("its external name or ids are empty or hold a space"));
    }
    Tenant tenant;
    tenant.owner = {target.installation, target.resource, target.generation, target.external_name,
                    named(target, spec, "database")};
    tenant.user = named(target, spec, "user");
    const Rotation rotation = rotation_in(spec.parameters);
    tenant.password = secret_of(spec, current_secret(rotation));
    if (rotation.keep_former) tenant.former_password = secret_of(spec, former_secret(rotation));
    tenant.second = rotation.number % 2 == 1;
    tenant.connections = json::get_int(spec.parameters, "connections", tenant.connections);
    return tenant;
}

std::expected<Tenant, ProviderError> tenant_of(const Target& target, const Spec& spec) {
    std::expected<Tenant, ProviderError> tenant = names_of(target, spec);
    if (!tenant) return tenant;
    if (spec.parameters.contains("connections")) {
        tenant->connections = json::get_int(spec.parameters, "connections");
        if (tenant->connections < 1 || tenant->connections > kMostConnections) {
            return std::unexpected(
                permanent(fmt::format("connections must be a whole number from 1 to {}", kMostConnections)));
        }
    }
    if (rotation_in(spec.parameters).keep_former && tenant->former_password.empty()) {
        return std::unexpected(permanent("its former password is to be kept, and is not known"));
    }
    auto extensions = extensions_of(spec);
    if (!extensions) return std::unexpected(extensions.error());
    tenant->extensions = std::move(*extensions);
    return tenant;
}

}  // namespace slipway::databases
