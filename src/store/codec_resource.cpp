#include <array>

#include "domain/overloaded.h"
#include "store/codec.h"
#include "store/json_in.h"
#include "store/json_out.h"

namespace slipway::store {
namespace {

using namespace resource_state;

std::optional<Health> parse_health(std::string_view text) {
    for (const Health health :
         std::array{Health::unknown, Health::healthy, Health::degraded, Health::unreachable}) {
        if (to_string(health) == text) return health;
    }
    return std::nullopt;
}

void write_endpoint(JsonOut& out, const Endpoint& endpoint) {
    out.begin_object("endpoint");
    out.text("scheme", endpoint.scheme);
    out.text("host", endpoint.host);
    out.number("port", endpoint.port);
    out.end_object();
}

Endpoint read_endpoint(JsonIn in) {
    return {in.text("scheme"), in.text("host"), in.natural_as<std::uint16_t>("port")};
}

void write_state(JsonOut& out, const ResourceState& state) {
    out.begin_object("state");
    out.text("is", state_name(state));
    std::visit(Overloaded{
                   [&](const Requested& s) { out.text("operation", s.operation.str()); },
                   [&](const Provisioning& s) { out.text("operation", s.operation.str()); },
                   [&](const Ready& s) {
                       write_endpoint(out, s.endpoint);
                       out.text("maintenance", s.maintenance.str());
                   },
                   [&](const Updating& s) {
                       out.text("operation", s.operation.str());
                       write_endpoint(out, s.endpoint);
                   },
                   [&](const Deprovisioning& s) {
                       out.text("operation", s.operation.str());
                       if (s.after_failure) out.boolean("after_failure", true);
                   },
                   [&](const Gone& s) { out.time("at", s.at); },
                   [&](const Failed& s) { out.text("reason", s.reason); },
               },
               state);
    out.end_object();
}

ResourceState read_state(JsonIn in) {
    const std::string is = in.text("is");
    if (is == "requested") return Requested{OperationId(in.text("operation"))};
    if (is == "provisioning") return Provisioning{OperationId(in.text("operation"))};
    if (is == "ready") return Ready{read_endpoint(in.object("endpoint")), OperationId(in.text("maintenance"))};
    if (is == "updating") return Updating{OperationId(in.text("operation")), read_endpoint(in.object("endpoint"))};
    if (is == "deprovisioning") {
        return Deprovisioning{OperationId(in.text("operation")),
                              in.has("after_failure") && in.boolean("after_failure")};
    }
    if (is == "gone") return Gone{in.time("at")};
    if (is == "failed") return Failed{in.text("reason")};
    in.complain("is", "is an unknown state");
    return {};
}

void write_texts(JsonOut& out, std::string_view key, const std::map<std::string, std::string>& texts) {
    out.begin_object(key);
    for (const auto& [name, text] : texts) out.text_member(name, text);
    out.end_object();
}

void write_numbers(JsonOut& out, std::string_view key, const std::map<std::string, std::int64_t>& numbers) {
    out.begin_object(key);
    for (const auto& [name, number] : numbers) out.number_member(name, number);
    out.end_object();
}

void write_secrets(JsonOut& out, std::string_view key, const std::map<std::string, Sealed>& secrets) {
    out.begin_object(key);
    for (const auto& [name, sealed] : secrets) {
        out.object_member(name);
        out.text("key", sealed.key_id);
        out.text("ciphertext", sealed.ciphertext);
        out.end_object();
    }
    out.end_object();
}

void read_details(JsonIn& in, Resource& out) {
    out.remnants = in.texts("remnants");
    out.parameters = in.tree("parameters");
    if (in.has("own_parameters")) out.own_parameters = in.tree("own_parameters");
    if (in.has("former")) {
        JsonIn former = in.object("former");
        out.former = FormerPlan{former.text("plan"), former.tree("parameters")};
    }
    JsonIn allocations = in.object("allocations");
    for (const auto& member : allocations.members()) {
        out.allocations.emplace(member.key(), allocations.integer(member.key()));
    }
    JsonIn secrets = in.object("secrets");
    for (const auto& member : secrets.members()) {
        JsonIn secret = secrets.object(member.key());
        out.secrets.emplace(member.key(), Sealed{secret.text("key"), secret.text("ciphertext")});
    }
    out.handle = in.tree("handle");
}

void write_expiry(JsonOut& out, const Expiry& expiry) {
    out.begin_object("expiry");
    out.time("at", expiry.at);
    out.time("due", expiry.due);
    if (expiry.warned) out.boolean("warned", true);
    if (expiry.delayed) out.boolean("delayed", true);
    out.end_object();
}

Expiry read_expiry(JsonIn in) {
    return {in.time("at"), in.time("due"), in.has("warned") && in.boolean("warned"),
            in.has("delayed") && in.boolean("delayed")};
}

void read_identity(JsonIn& in, Resource& out) {
    out.id = ResourceId(in.text("id"));
    out.name = in.text("name");
    out.kind = in.word("kind", parse_kind);
    out.engine = in.text("engine");
    out.plan = in.text("plan");
    out.provider = in.text("provider");
    out.external_name = in.text("external_name");
    out.generation = in.natural("generation");
    out.organization = OrganizationId(in.text("organization"));
    out.face = in.text("face");
    out.billing_code = in.text("billing_code");
    JsonIn labels = in.object("labels");
    for (const auto& member : labels.members()) out.labels.emplace(member.key(), labels.text(member.key()));
    out.pooled = in.boolean("pooled");
    out.host = HostId(in.text("host"));
    if (in.has("placed_on")) out.placed_on = ResourceId(in.text("placed_on"));
}

}  // namespace

std::string encode(const Resource& resource) {
    // A member that is added to a resource does not compile here before it is written and read as well.
    const auto& [id, name, kind, engine, plan, provider, external_name, generation, organization, face,
                 billing_code, labels, pooled, host, placed_on, state, expiry, address, health, health_at,
                 health_detail, remnants, parameters, own_parameters, former, allocations, secrets, handle,
                 created_at, updated_at, version] = resource;
    static_cast<void>(version);  // a column
    JsonOut out;
    out.begin_object();
    out.text("id", id.str());
    out.text("name", name);
    out.text("kind", to_string(kind));
    out.text("engine", engine);
    out.text("plan", plan);
    out.text("provider", provider);
    out.text("external_name", external_name);
    out.number("generation", generation);
    out.text("organization", organization.str());
    out.text("face", face);
    out.text("billing_code", billing_code);
    write_texts(out, "labels", labels);
    out.boolean("pooled", pooled);
    out.text("host", host.str());
    if (!placed_on.empty()) out.text("placed_on", placed_on.str());
    write_state(out, state);
    if (expiry) write_expiry(out, *expiry);
    if (!address.empty()) out.text("address", address);
    out.text("health", to_string(health));
    out.time("health_at", health_at);
    out.text("health_detail", health_detail);
    out.texts("remnants", remnants);
    out.tree("parameters", parameters);
    if (!own_parameters.empty()) out.tree("own_parameters", own_parameters);
    if (former) {
        out.begin_object("former");
        out.text("plan", former->plan);
        out.tree("parameters", former->parameters);
        out.end_object();
    }
    write_numbers(out, "allocations", allocations);
    write_secrets(out, "secrets", secrets);
    out.tree("handle", handle);
    out.time("created_at", created_at);
    out.time("updated_at", updated_at);
    out.end_object();
    return out.take();
}

Result<Resource> decode_resource(std::string_view id, std::string_view body, std::uint64_t version) {
    JsonDocument document(body, fmt::format("resource {}", id));
    JsonIn in = document.root();
    Resource out;
    read_identity(in, out);
    out.state = read_state(in.object("state"));
    if (in.has("expiry")) out.expiry = read_expiry(in.object("expiry"));
    if (in.has("address")) out.address = in.text("address");
    out.health = in.word("health", parse_health);
    out.health_at = in.time("health_at");
    out.health_detail = in.text("health_detail");
    read_details(in, out);
    out.created_at = in.time("created_at");
    out.updated_at = in.time("updated_at");
    out.version = version;
    if (out.id.str() != id) document.complain("id", "names another resource");
    if (document.problem()) return fail(*document.problem());
    return out;
}

}  // namespace slipway::store
