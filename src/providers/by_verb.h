// For providers whose verbs begin alike: one way in for all four.
#pragma once

#include "providers/provider.h"

namespace slipway {

class ByVerb : public Provider {
  public:
    Task<ProviderAnswer> observe(Target target, Spec spec, Duration budget) final {
        return answer(Verb::observe, std::move(target), std::move(spec), budget);
    }
    Task<ProviderAnswer> create(Target target, Spec spec, Duration budget) final {
        return answer(Verb::create, std::move(target), std::move(spec), budget);
    }
    Task<ProviderAnswer> update(Target target, Spec spec, Duration budget) final {
        return answer(Verb::update, std::move(target), std::move(spec), budget);
    }
    Task<ProviderAnswer> remove(Target target, Spec spec, Duration budget) final {
        return answer(Verb::remove, std::move(target), std::move(spec), budget);
    }

  private:
    virtual Task<ProviderAnswer> answer(Verb verb, Target target, Spec spec, Duration budget) = 0;
};

}  // namespace slipway
