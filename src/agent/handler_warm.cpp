// The verbs for templates of virtual machines and for machines that begin as one of them.
#include <fmt/format.h>

#include "agent/server.h"

namespace slipway::agent {

Answer<Handler::NamedTemplate> Handler::template_of(const std::string& name, std::string_view installation) const {
    Answer<UniqueFd> directory = instances_.directory(name);
    if (!directory) return std::unexpected(directory.error());
    Answer<InstanceStatus> status = instances_.status(name);
    if (!status) return std::unexpected(status.error());
    const std::optional<Identity> identity = identity_of(status->meta);
    if (!identity || json::get_string(status->meta, "kind") != kTemplateKind ||
        identity->installation != installation) {
        return refuse(FailureCode::foreign, "this is no template of the machine's");
    }
    NamedTemplate found{std::move(*directory), {}, std::move(status->meta)};
    found.found = {found.directory.get(), fmt::format("{} {}\n", name, identity->generation)};
    return found;
}

// Open while the machine is made: a template that is removed meanwhile stays what it was.
Answer<SeedData> Handler::warm_seed(const Seed& seed, std::string installation) const {
    if (!instances_.rights().isolation) {
        return refuse(FailureCode::unsupported, "machines take a helper that is root and has a range of uids");
    }
    Answer<NamedTemplate> named = template_of(seed.from, installation);
    if (!named) return std::unexpected(named.error());
    if (json::get_string(named->meta, "image") != seed.image) {
        return refuse(FailureCode::invalid, "the template is of another image");
    }
    const auto from = std::make_shared<NamedTemplate>(std::move(*named));
    return [this, from](int to, uid_t uid) { return take_disk(from->found, to, uid, own()); };
}

Answer<json::object> Handler::look_at(const json::object& request) const {
    const Answer<Named> found = named(request);
    if (!found) return std::unexpected(found.error());
    const TemplateLook look = look_at_template(found->directory.get());
    return json::object{{"waits", look.waits}, {"frozen", look.frozen}};
}

Answer<json::object> Handler::freeze(const json::object& request) const {
    const Answer<Named> found = owned(request);
    if (!found) return std::unexpected(found.error());
    if (json::get_string(found->status.meta, "kind") != kTemplateKind) {
        return refuse(FailureCode::invalid, "this is no template");
    }
    if (const Answer<void> frozen = freeze_template(found->directory.get(), found->uid, own()); !frozen) {
        return std::unexpected(frozen.error());
    }
    return json::object{};
}

Answer<json::object> Handler::wake(const json::object& request) const {
    const std::string description = json::get_string(request, "description");
    if (description.empty() || description.size() > kMaxDescription || description.contains('\0')) {
        return refuse(FailureCode::invalid, "the description must be a short text");
    }
    const Answer<Named> found = owned(request);
    if (!found) return std::unexpected(found.error());
    const Answer<NamedTemplate> whose =
        template_of(json::get_string(request, "template"), json::get_string(request, "installation"));
    const std::optional<Template> from = whose ? std::optional(whose->found) : std::nullopt;
    const Answer<Wake> wake = wake_machine(from, found->directory.get(), found->uid, description);
    if (!wake) return std::unexpected(wake.error());
    return json::object{{"ready", wake->ready}, {"first", wake->first}, {"why", wake->why}};
}

std::optional<Answer<json::object>> Handler::dispatch_warm(std::string_view verb,
                                                           const json::object& request) const {
    if (verb == "look_at_template") return look_at(request);
    if (verb == "freeze_template") return freeze(request);
    if (verb == "wake_machine") return wake(request);
    return std::nullopt;
}

}  // namespace slipway::agent
