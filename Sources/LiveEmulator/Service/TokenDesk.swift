// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// What the service knows about one token.
struct TokenRecord: Sendable {
  /// Uses left, or nil for no limit.
  var usesLeft: Int?
  /// Until when it starts new sessions.
  let windowEnds: Int64
  /// Until when it opens anything and its messages are taken.
  let expires: Int64
  /// Whether the client asked for its times, in wall time, and so may misjudge them by the skew.
  let hasAskedTimes: Bool
  /// Whether a resume has cost it a use, which a client cannot foresee.
  var resumesCounted = false
  /// Whether a setup was ever sent with it.
  var wasUsed = false
  let lock: SetupLock
}

/// Mints tokens and keeps their accounts.
///
/// A token's name carries its serial, so an expired token needs no record: a name of ours without
/// one has expired.
struct TokenDesk: Sendable {
  let rules: CredentialRules
  private let names: SealedNames
  private var records: [UInt64: TokenRecord] = [:]
  private var locks: [UInt64: SetupLock] = [:]
  private(set) var minted: UInt64 = 0
  /// Tokens that expired, were forgotten, and had never been used.
  private var forgottenUnused = 0

  /// How many different locks are shared between tokens; more are kept with each token.
  private static let sharedLocks = 4_096

  init(rules: CredentialRules, key: UInt64) {
    self.rules = rules
    names = SealedNames(prefix: "auth_tokens/", length: 64, key: key)
  }

  /// What a token's name stands for.
  enum Finding: Sendable {
    case unknown
    case expired(serial: UInt64)
    case valid(serial: UInt64)
  }

  func find(_ name: Secret, at now: Int64) -> Finding {
    guard let serial = name.withUnsafeBytes({ names.number(in: $0) }), serial <= minted else {
      return .unknown
    }
    guard let record = records[serial], record.expires > now else {
      return .expired(serial: serial)
    }
    return .valid(serial: serial)
  }

  subscript(serial: UInt64) -> TokenRecord? { records[serial] }

  /// The answer to a mint call whose key was found good: a status and a body; and the serial and
  /// expiry of the token if there is one.
  mutating func mint(
    _ body: [UInt8], at now: Int64, serviceTime: WallTime
  ) -> (status: Int, body: [UInt8], token: (serial: UInt64, expires: Int64)?) {
    let request: MintRequest
    do throws(MintRequest.Refusal) { request = try MintRequest(body) } catch {
      return (400, MintRefusal.invalid(error), nil)
    }
    func instant(_ time: WallTime?, default lifetime: Duration, below limit: Duration) -> Int64? {
      let ahead = time.map { serviceTime.duration(to: $0) } ?? lifetime
      guard ahead < limit || time == nil else { return nil }
      // A time that has passed is now: whatever was asked for, differences stay small.
      return EngineInstant(nanoseconds: now).advanced(by: max(.zero, ahead)).nanoseconds
    }
    guard
      let expires = instant(
        request.expireTime, default: rules.lifetime, below: rules.maximumLifetime)
    else {
      return (400, MintRefusal.tooFar("expire_time", maximum: rules.maximumLifetime), nil)
    }
    guard
      let window = instant(
        request.newSessionExpireTime, default: rules.newSessionWindow,
        below: rules.maximumNewSessionWindow)
    else {
      let maximum = rules.maximumNewSessionWindow
      return (400, MintRefusal.tooFar("new_session_expire_time", maximum: maximum), nil)
    }
    minted += 1
    records[minted] = TokenRecord(
      usesLeft: request.uses == 0 ? nil : request.uses, windowEnds: min(window, expires),
      expires: expires,
      hasAskedTimes: request.expireTime != nil || request.newSessionExpireTime != nil,
      lock: shared(request.lock))
    return (200, answer(minted), (minted, expires))
  }

  private func answer(_ serial: UInt64) -> [UInt8] {
    var json = [UInt8]()
    json.raw("{\"name\":\"")
    json += names.name(for: serial)
    json.raw("\"}")
    return json
  }

  /// The same lock as one seen before, so that equal ones share their storage.
  private mutating func shared(_ lock: SetupLock) -> SetupLock {
    guard !lock.isFree else { return lock }
    var digest = StreamDigest()
    if let setup = lock.setup { digest.update(setup.encoded()) }
    for path in lock.mask?.paths ?? [] { digest.update(Array(path.joined(separator: ".").utf8)) }
    var marked = lock
    marked.digest = digest.value
    if let known = locks[digest.value], known == marked { return known }
    if locks.count < Self.sharedLocks { locks[digest.value] = marked }
    return marked
  }

  /// Takes one use off for a new session, or in strict mode for a resume.
  mutating func spend(_ serial: UInt64, isResume: Bool) {
    records[serial]?.wasUsed = true
    guard !isResume || rules.resumptionCountsAsUse, let left = records[serial]?.usesLeft else {
      return
    }
    records[serial]?.usesLeft = left - 1
    if isResume { records[serial]?.resumesCounted = true }
  }

  /// Gives a use back: the setup that took it was never completed.
  mutating func giveBack(_ serial: UInt64, wasResume: Bool) {
    guard !wasResume || rules.resumptionCountsAsUse, let left = records[serial]?.usesLeft else {
      return
    }
    records[serial]?.usesLeft = left + 1
  }

  /// Forgets a token that has expired.
  mutating func purge(_ serial: UInt64) {
    if records[serial]?.wasUsed == false { forgottenUnused += 1 }
    records[serial] = nil
  }

  /// Tokens that can begin no session any more and were never used. Linear in the tokens known.
  func expiredUnused(at now: Int64) -> Int {
    forgottenUnused + records.values.count { !$0.wasUsed && $0.windowEnds <= now }
  }
}
