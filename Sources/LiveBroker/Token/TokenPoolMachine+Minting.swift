// SPDX-License-Identifier: Apache-2.0

// How a pool asks the service: how many at once, with which times, and what a failure changes.

extension TokenPoolMachine {
  /// Begins as many mints as are needed and allowed.
  mutating func topUp(at now: EngineInstant, into answers: inout [Answer]) {
    let allowed = mintsAllowed(at: now)
    guard allowed > 0 else { return }
    let underWay = mints.reduce(0) { $0 + ($1.isAbandoned ? 0 : 1) }
    let maximum = max(1, configuration.maximumConcurrentMints)
    let free = min(allowed - underWay, maximum - mints.count)
    guard free > 0 else { return }
    let lacking = tokensNeeded(at: now) - underWay
    for _ in 0..<max(0, min(free, lacking)) { mint(at: now, into: &answers) }
  }

  private func mintsAllowed(at now: EngineInstant) -> Int {
    switch mode {
    case .flowing: max(1, configuration.maximumConcurrentMints)
    case .backingOff(_, _, let until), .refused(_, _, let until): now < until ? 0 : 1
    }
  }

  /// Tokens for those who wait, and those missing from the number that should be ready.
  private func tokensNeeded(at now: EngineInstant) -> Int {
    let perToken = configuration.usesPerToken
    let target = readyTarget(at: now)
    let fresh = target > 0 ? ready.reduce(0) { $0 + ($1.freshUntil > now ? 1 : 0) } : 0
    return Self.quotient(sessions.count, perToken) + max(0, target - fresh)
  }

  /// Tokens to keep ready for the demand of late.
  func readyTarget(at now: EngineInstant) -> Int {
    let uses = demand.readyTarget(
      at: now, lead: .nanoseconds(mintDuration), shelfLife: configuration.newSessionWindow)
    let tokens = Self.quotient(uses, configuration.usesPerToken)
    let floor = min(max(0, configuration.minimumReady), 1_000_000)
    return min(max(floor, tokens), max(floor, configuration.maximumReady))
  }

  private mutating func mint(at now: EngineInstant, into answers: inout [Answer]) {
    let id = nextMint
    nextMint += 1
    let asks = asksForTimes
    mints.append(
      Mint(
        id: id, sentAt: now, deadline: now.advanced(by: configuration.mintTimeout),
        namesTimes: asks))
    counters.peakConcurrentMints = max(counters.peakConcurrentMints, mints.count)
    // The latest that the service's clock may show, so that its deadlines are not before ours.
    let serviceTime = asks ? serviceClock.latest(at: now) : nil
    let request = TokenRequest(
      uses: configuration.uses == 1 ? nil : max(0, configuration.uses),
      expireTime: serviceTime?.advanced(by: configuration.lifetime),
      newSessionExpireTime: serviceTime?.advanced(by: configuration.newSessionWindow),
      constraints: configuration.constraints)
    answers.append(.mint(id: id, request))
  }

  var asksForTimes: Bool { serviceClock.isKnown && !timesWereRefused }

  // MARK: What came of it

  mutating func minted(
    _ id: UInt64, _ token: MintedToken, at now: EngineInstant, chance: inout SplitMix64,
    into answers: inout [Answer]
  ) {
    guard let mint = take(id) else { return }
    counters.minted += 1
    if mint.isAbandoned { counters.late += 1 }
    if let date = token.serverDate {
      serviceClock.learn(date, sentAt: mint.sentAt, receivedAt: now)
    }
    guard !mint.isOutdated else {
      counters.discarded += 1
      return
    }
    mode = .flowing
    lastMintError = nil
    mintDuration += (mint.sentAt.duration(to: now).nanoseconds - mintDuration) / 4
    let machine = TokenMachine(
      sentAt: mint.sentAt,
      window: mint.namesTimes ? configuration.newSessionWindow : Self.defaults.serviceWindow,
      life: mint.namesTimes ? configuration.lifetime : Self.defaults.serviceLifetime,
      uses: TokenUses(configuration.uses), at: now)
    guard machine.canStart(at: now, margin: configuration.margins) else {
      counters.expiredUnused += 1
      return
    }
    store(token.name, machine, chance: &chance)
    serve(at: now, into: &answers)
  }

  private static var defaults: TokenPoolConfiguration.Type { TokenPoolConfiguration.self }

  mutating func mintFailed(
    _ id: UInt64, _ error: MintError, at now: EngineInstant, chance: inout SplitMix64,
    into answers: inout [Answer]
  ) {
    // What was abandoned has been counted then.
    guard let mint = take(id), !mint.isAbandoned else { return }
    if error.code == .invalidRequest, mint.namesTimes {
      timesWereRefused = true
      serviceClock.forget()
      counters.failures += 1
      return
    }
    failed(mint, error, at: now, chance: &chance, into: &answers)
  }

  mutating func abandonOverdueMints(
    at now: EngineInstant, chance: inout SplitMix64, into answers: inout [Answer]
  ) {
    for index in mints.indices where !mints[index].isAbandoned && mints[index].deadline <= now {
      mints[index].isAbandoned = true
      counters.timeouts += 1
      answers.append(.abandonMint(id: mints[index].id))
      let error = MintError(.unreachable, message: "no answer within \(configuration.mintTimeout)")
      failed(mints[index], error, at: now, chance: &chance, into: &answers)
    }
  }

  private mutating func failed(
    _ mint: Mint, _ error: MintError, at now: EngineInstant, chance: inout SplitMix64,
    into answers: inout [Answer]
  ) {
    counters.failures += 1
    lastMintError = error
    // A mint that was cancelled by nobody here is a fault of the minter, not a refusal.
    guard error.isRetryable || error.code == .cancelled else {
      let refusal = Self.refusal(error)
      mode = .refused(
        refusal, epoch: nextMint, until: now.advanced(by: configuration.refusalCoolDown))
      refuseAll(refusal, into: &answers)
      return
    }
    switch mode {
    case .backingOff(_, let epoch, _) where mint.id < epoch,
      .refused(_, let epoch, _) where mint.id < epoch:
      break
    case .backingOff(let failures, _, _):
      backOff(failures: failures + 1, error, at: now, chance: &chance)
    case .flowing, .refused:
      backOff(failures: 1, error, at: now, chance: &chance)
    }
  }

  private mutating func backOff(
    failures: Int, _ error: MintError, at now: EngineInstant, chance: inout SplitMix64
  ) {
    let longest = max(0, configuration.longestBackOff.nanoseconds)
    let first = max(0, configuration.firstBackOff.nanoseconds)
    let doubled = first.multipliedReportingOverflow(by: Int64(1) << Int64(min(failures - 1, 62)))
    let bound = doubled.overflow ? longest : min(longest, doubled.partialValue)
    // What the service asks for comes before the draw, or those who were told the same return together.
    let asked = max(0, min(error.retryAfter?.nanoseconds ?? 0, longest))
    let pause = asked + chance.nanoseconds(upTo: bound)
    mode = .backingOff(
      failures: failures, epoch: nextMint, until: now.advanced(byNanoseconds: pause))
  }

  private mutating func take(_ id: UInt64) -> Mint? {
    guard let index = mints.firstIndex(where: { $0.id == id }) else { return nil }
    return mints.remove(at: index)
  }

  private static func refusal(_ error: MintError) -> TokenPoolError {
    error.code == .keyRefused
      ? TokenPoolError(.keyRefused, message: "the key may not mint tokens", cause: error)
      : TokenPoolError(
        .requestRefused, message: "the service does not accept the request for a token",
        cause: error)
  }

  /// Rounded up; a token without limit of uses serves any number.
  private static func quotient(_ count: Int, _ perToken: Int) -> Int {
    count == 0 ? 0 : (count - 1) / perToken + 1
  }
}
