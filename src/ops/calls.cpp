#include "ops/calls.h"

#include <exception>

#include "base/log.h"

namespace slipway {
namespace {

std::unexpected<ProviderError> permanent(std::string message, std::string detail = {}) {
    ProviderError error;
    error.error_class = ErrorClass::permanent;
    error.message = std::move(message);
    error.detail = std::move(detail);
    return std::unexpected(std::move(error));
}

std::expected<Spec, ProviderError> spec_of(const Resource& resource, const Sealer& sealer, Purpose purpose) {
    Spec spec;
    spec.kind = resource.kind;
    spec.engine = resource.engine;
    spec.plan = resource.plan;
    spec.parameters = resource.parameters;
    spec.allocations = resource.allocations;
    spec.placed_on = resource.placed_on;
    spec.tags = resource.labels;
    spec.tags["Name"] = resource.external_name;
    spec.tags["billingcode"] = resource.billing_code;
    for (const auto& [name, sealed] : resource.secrets) {
        auto opened = sealer.open(sealed, secret_context(resource.id, name));
        if (!opened && purpose == Purpose::take_away) continue;
        if (!opened)
            return permanent("its secrets cannot be opened with the keys that are here", opened.error().message);
        spec.secrets.emplace(name, std::move(*opened));
    }
    return spec;
}

Task<ProviderAnswer> dispatch(Provider& provider, Verb verb, Target target, Spec spec, Duration budget) {
    switch (verb) {
        case Verb::observe: co_return co_await provider.observe(std::move(target), std::move(spec), budget);
        case Verb::create: co_return co_await provider.create(std::move(target), std::move(spec), budget);
        case Verb::update: co_return co_await provider.update(std::move(target), std::move(spec), budget);
        case Verb::remove: co_return co_await provider.remove(std::move(target), std::move(spec), budget);
    }
    co_return permanent("unknown verb");
}

// Whatever goes wrong inside a provider, the engine gets an answer that makes it observe before it acts again.
std::unexpected<ProviderError> broken(const std::string& what) {
    ProviderError error;
    error.error_class = ErrorClass::unknown_outcome;
    error.message = "the provider broke off";
    error.detail = what;
    return std::unexpected(std::move(error));
}

template <class T>
Task<std::expected<T, ProviderError>> guarded(std::string provider, Task<std::expected<T, ProviderError>> call) {
    std::string failure;
    try {
        co_return co_await std::move(call);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    log::error("ops", "a provider threw", {{"provider", provider}, {"what", failure}});
    co_return broken(failure);
}

}  // namespace

template <class T>
Task<std::expected<T, ProviderError>> ProviderCalls::observed(std::string provider, std::string_view verb,
                                                              Task<std::expected<T, ProviderError>> call) const {
    if (!watch_) co_return co_await guarded(std::move(provider), std::move(call));
    const TimePoint began = watch_->clock.now();
    auto answer = co_await guarded(provider, std::move(call));
    const auto failed = answer ? std::nullopt : std::optional(answer.error().error_class);
    watch_->observer.on_call(provider, verb, failed, watch_->clock.now() - began);
    co_return answer;
}

Task<ProviderAnswer> ProviderCalls::call(Verb verb, Resource resource, Caller caller, Duration budget,
                                         Purpose purpose) const {
    std::string provider = resource.provider;
    return observed(std::move(provider), to_string(verb),
                    answer(verb, std::move(resource), std::move(caller), budget, purpose));
}

Task<std::expected<InventoryPage, ProviderError>> ProviderCalls::inventory(Provider& provider, std::string cursor,
                                                                           Duration budget) const {
    return observed(std::string(provider.name()), "inventory", provider.inventory(std::move(cursor), budget));
}

Task<ProviderAnswer> ProviderCalls::remove(Provider& provider, Target target, Duration budget) const {
    return observed(std::string(provider.name()), to_string(Verb::remove),
                    provider.remove(std::move(target), Spec{}, budget));
}

// None of what it is about may stand in it.
std::shared_ptr<StepLog> ProviderCalls::log_for(const OperationId& operation, const Spec& spec) const {
    if (logs_ == nullptr || operation.empty()) return nullptr;
    std::vector<Secret> secrets;
    for (const auto& [name, secret] : spec.secrets) secrets.push_back(secret);
    return logs_->open(operation, std::move(secrets));
}

Task<ProviderAnswer> ProviderCalls::answer(Verb verb, Resource resource, Caller caller, Duration budget,
                                           Purpose purpose) const {
    Provider* provider = registry_.find(resource.provider);
    if (provider == nullptr) co_return permanent("its provider is not configured here");
    auto spec = spec_of(resource, sealer_, purpose);
    if (!spec) co_return std::unexpected(spec.error());
    Target target{installation_,           resource.id,     resource.external_name,          resource.generation,
                  std::move(caller.token), resource.handle, log_for(caller.operation, *spec)};
    ProviderAnswer found = co_await dispatch(*provider, verb, std::move(target), std::move(*spec), budget);
    const bool reached = resource.kind != Kind::backup;  // nobody connects to a backup
    if (found && found->presence == Presence::running && reached && !found->endpoint) {
        co_return broken("running without an endpoint");
    }
    co_return found;
}

}  // namespace slipway
