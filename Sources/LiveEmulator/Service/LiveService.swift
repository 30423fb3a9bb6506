// SPDX-License-Identifier: Apache-2.0

public import LiveBroker

/// The Live service itself, as a value: what comes in is told to it with the time, what it wants done
/// is taken out of it.
///
/// It reads no clock, draws chance only from its seed, waits for nothing and does no I/O, so the same
/// calls give the same outputs, in every process. Whoever drives it delivers what the network brings,
/// calls ``advance(to:)`` no later than ``nextDeadline``, and performs the outputs in order:
///
///     var service = LiveService(configuration: .init(), seed: 7)
///     let answer = service.upgrade(1, credential: .apiKey(key), at: now)
///     service.received(1, setupFrame, at: now)
///     service.advance(to: later)
///     var outputs: [ServiceOutput] = []
///     service.takeOutputs(into: &outputs)
///
/// Times must not go back; one that does is taken as the latest one seen. Calls for a connection that
/// the service does not know are ignored and counted. Nothing that a peer sends can trap.
public struct LiveService: Sendable {
  /// How it behaves; fixed at its beginning.
  public let configuration: ServiceConfiguration
  let pace: Pace
  let voice: ServerVoice
  let handles: SealedNames
  var chance: SplitMix64
  var now: Int64 = .min
  var tokens: TokenDesk
  var bucket: AdmissionBucket?
  var connections = ConnectionTable()
  var sessions: [SessionRecord] = []
  var sessionsByLabel: [String: [Int]] = [:]
  var timers = TimerHeap()
  var outputs: [ServiceOutput] = []
  var totals = ServiceTotals()
  var promises: [BrokenPromise] = []
  var suspicions: [UInt32: Suspicion] = [:]
  var suspicionsRaised: UInt32 = 0
  var callsMade: UInt64 = 0
  /// Sessions that count towards the limit: with a socket, setting up, or not yet released.
  var seatsTaken = 0
  var seats: Int?
  var upgradeRefusals: (left: Int, status: Int, retryAfter: Duration?) = (0, 503, nil)
  var mintFailures: (left: Int, status: Int) = (0, 503)

  /// Makes a service in which nothing has happened yet. Equal configurations and seeds make services
  /// that behave alike.
  public init(configuration: ServiceConfiguration = ServiceConfiguration(), seed: UInt64) {
    self.configuration = configuration
    chance = SplitMix64(seed: seed)
    seats = configuration.sessions.concurrent
    pace = Pace(configuration)
    voice = ServerVoice(rules: configuration.model)
    handles = SealedNames(prefix: "", length: 100, key: chance.next())
    tokens = TokenDesk(rules: configuration.credentials, key: chance.next())
  }

  // MARK: Time

  /// When the service next wants to be advanced; nil if it waits for nothing. It may turn out that
  /// nothing was due then.
  public var nextDeadline: EngineInstant? {
    timers.earliest.map { EngineInstant(nanoseconds: $0) }
  }

  /// Lets everything happen that is due up to and at `instant`, in order of time.
  public mutating func advance(to instant: EngineInstant) {
    while let entry = timers.popDue(instant.nanoseconds) {
      now = max(now, entry.deadline)
      fire(entry)
    }
    now = max(now, instant.nanoseconds)
  }

  /// Moves everything the service wants done since the last call to the end of `outputs`, in order.
  public mutating func takeOutputs(into outputs: inout [ServiceOutput]) {
    if outputs.isEmpty {
      swap(&outputs, &self.outputs)
    } else {
      outputs += self.outputs
    }
    self.outputs.removeAll(keepingCapacity: true)
  }

  // MARK: Minting

  /// Answers `POST /{version}/auth_tokens`.
  ///
  /// - Parameters:
  ///   - credential: the caller's key, from the header or the query.
  ///   - body: the request's body; empty means `{}`.
  ///   - instant: now, on the engine's clock.
  ///   - wallTime: now, on the calendar; the service's own clock is ahead of it by
  ///     ``ServiceConfiguration/clockSkew``.
  public mutating func mint(
    credential: Credential?, body: [UInt8], at instant: EngineInstant, wallTime: WallTime
  ) -> MintAnswer {
    advance(to: instant)
    let date = wallTime.advanced(by: configuration.clockSkew)
    let (status, answer) = mintAnswer(credential, body, date: date)
    if status != 200 {
      totals.mintsRefused += 1
      note(.mintRefused(status: status))
    }
    return MintAnswer(status: status, body: answer, date: date)
  }

  private mutating func mintAnswer(
    _ credential: Credential?, _ body: [UInt8], date: WallTime
  ) -> (status: Int, body: [UInt8]) {
    if let failure = mintFault() { return failure }
    switch credential {
    case nil: return (403, MintRefusal.unregistered)
    case .vertex: return (401, MintRefusal.unauthenticated)
    case .ephemeralToken where configuration.credentials.mintingNeedsKey:
      return (401, MintRefusal.unauthenticated)
    case .apiKey(let key) where !configuration.credentials.accepts(key):
      return (400, MintRefusal.keyInvalid)
    case .apiKey, .ephemeralToken: break
    }
    let (status, answer, token) = tokens.mint(body, at: now, serviceTime: date)
    if let token {
      totals.minted += 1
      note(.minted(token: token.serial))
      let purge = EngineInstant(nanoseconds: token.expires)
        .advanced(by: .nanoseconds(pace.expiredTokenKept))
      timers.push(
        at: purge.nanoseconds, .tokenPurge, owner: UInt32(truncatingIfNeeded: token.serial))
    }
    return (status, answer)
  }

  // MARK: Timers

  private mutating func fire(_ entry: TimerEntry) {
    let owner = Int(entry.owner)
    switch entry.kind {
    case .setup, .credential, .age, .incident, .idle, .held: fireConnection(entry, slot: owner)
    case .model, .silence, .checkpoint, .life, .release: fireSession(entry, owner)
    case .suspicion: judge(entry.owner)
    case .tokenPurge: tokens.purge(UInt64(entry.owner))
    }
  }

  private mutating func fireConnection(_ entry: TimerEntry, slot: Int) {
    switch entry.kind {
    case .setup:
      if connections.slots[slot].setupAlarm.fires(entry, in: &timers) { setupDue(slot) }
    case .credential:
      if connections.slots[slot].credentialAlarm.fires(entry, in: &timers) {
        close(slot, .tokenExpiredWhileOpen)
      }
    case .age:
      if connections.slots[slot].ageAlarm.fires(entry, in: &timers) { ageDue(slot) }
    case .idle:
      if connections.slots[slot].idleAlarm.fires(entry, in: &timers) { cut(slot) }
    case .held:
      if connections.slots[slot].heldAlarm.fires(entry, in: &timers) { letGo(slot) }
    default:
      if connections.slots[slot].incidentAlarm.fires(entry, in: &timers) { incidentDue(slot) }
    }
  }

  private mutating func fireSession(_ entry: TimerEntry, _ session: Int) {
    switch entry.kind {
    case .model:
      if sessions[session].modelAlarm.fires(entry, in: &timers) { modelDue(session) }
    case .silence:
      if sessions[session].silenceAlarm.fires(entry, in: &timers) { utteranceEnded(session) }
    case .checkpoint:
      if sessions[session].checkpointAlarm.fires(entry, in: &timers) { checkpointDue(session) }
    case .life:
      if sessions[session].lifeAlarm.fires(entry, in: &timers) { lifeDue(session) }
    default:
      if sessions[session].releaseAlarm.fires(entry, in: &timers) { seatsTaken -= 1 }
    }
  }

  // MARK: Outputs

  func saturated(_ delay: Int64) -> Int64 {
    let (sum, overflow) = now.addingReportingOverflow(delay)
    return overflow ? .max : sum
  }

  mutating func note(_ note: ServiceNote) {
    if configuration.notes { outputs.append(.note(note)) }
  }

  /// Sends a message; one that may wait can be held back to travel with the next one.
  ///
  /// What is proven by pongs hangs on the order in which a handle and a pong leave, so that a handle
  /// never waits.
  mutating func send(_ slot: Int, _ message: [UInt8], mayWait: Bool = true) {
    guard connections.slots[slot].phase != .closing, !connections.slots[slot][.silent] else {
      return
    }
    if configuration.faults.merges > 0 {
      merge(message, slot, mayWait: mayWait)
    } else {
      put(message, slot)
    }
  }

  mutating func put(_ message: [UInt8], _ slot: Int) {
    let bytes = configuration.prettyPrinted ? JSONLayout.lines(message) : message
    totals.messagesSent += 1
    totals.bytesSent += bytes.count
    outputs.append(.send(connections.slots[slot].id, bytes))
  }

  mutating func broke(_ kind: BrokenPromise.Kind, slot: Int, session: Int? = nil) {
    let promise = BrokenPromise(
      kind: kind, connection: connections.slots[slot].id, session: session, nanoseconds: now)
    totals.promisesBroken += 1
    if promises.count < configuration.accounts.promisesKept { promises.append(promise) }
    note(.promiseBroken(promise))
  }
}

/// A resume that came while the session was open elsewhere: judged when the close of the earlier
/// socket has had time to arrive.
struct Suspicion: Sendable {
  let session: Int
  let earlier: ConnectionID
  let later: BrokenPromise
}
