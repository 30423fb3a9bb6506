// SPDX-License-Identifier: Apache-2.0

public import LiveBroker

/// Faults by call and by chance.
extension LiveService {
  /// Injects a fault into a connection. Answers whether there is such a connection.
  @discardableResult
  public mutating func inject(
    _ fault: ServiceFault, into connection: ConnectionID, at instant: EngineInstant
  ) -> Bool {
    advance(to: instant)
    guard let slot = connections.slot(connection) else { return false }
    totals.faults += 1
    note(.fault(connection, fault))
    switch fault {
    case .goAway(let timeLeft): sendGoAway(slot, timeLeft: timeLeft)
    case .falseGoAway(let timeLeft, let end): sendGoAway(slot, timeLeft: timeLeft, cutAfter: end)
    case .silence: silence(slot)
    case .close(let notice): close(slot, notice)
    case .drop: cut(slot)
    case .withholdHandles(let withholds): withholdHandles(withholds, slot)
    case .send(let bytes): send(slot, bytes, mayWait: false)
    case .refuseNextResume, .poisonNextResume, .forgetOnResume, .callTool, .endInCall:
      let session = Int(connections.slots[slot].session)
      guard session >= 0 else { return false }
      injectLasting(fault, session)
    }
    return true
  }

  /// Injects a fault into the newest session that bears `label`: into its connection, or, for faults
  /// of the next resume, into the session even while it has none.
  @discardableResult
  public mutating func inject(
    _ fault: ServiceFault, intoSession label: String, at instant: EngineInstant
  ) -> Bool {
    advance(to: instant)
    guard let session = sessionsByLabel[label]?.last else { return false }
    if sessions[session].socket >= 0 {
      let id = connections.slots[Int(sessions[session].socket)].id
      return inject(fault, into: id, at: instant)
    }
    totals.faults += 1
    return injectLasting(fault, session)
  }

  @discardableResult
  private mutating func injectLasting(_ fault: ServiceFault, _ session: Int) -> Bool {
    switch fault {
    case .refuseNextResume: sessions[session].refusesNextResume = true
    case .poisonNextResume: sessions[session].poisonsNextResume = true
    case .forgetOnResume: sessions[session].forgetsOnResume = true
    case .endInCall(let notice, let moment):
      sessions[session].endOfNextCall = CallEnding(notice: notice, moment: moment)
    case .callTool:
      guard sessions[session].socket >= 0 else { return false }
      callNow(session)
    default: return false
    }
    return true
  }

  /// The connection that holds the newest session of a label, if there is one.
  public func connection(ofSession label: String) -> ConnectionID? {
    guard let session = sessionsByLabel[label]?.last, sessions[session].socket >= 0 else {
      return nil
    }
    return connections.slots[Int(sessions[session].socket)].id
  }

  /// Tells the service that the network between it and this connection is broken in a way that it
  /// cannot see, so that a client that dials anew while it is open breaks no promise.
  public mutating func markUnreachable(_ connection: ConnectionID) {
    if let slot = connections.slot(connection) { connections.slots[slot][.excused] = true }
  }

  /// Refuses the next `count` upgrades with this status.
  public mutating func refuseNextUpgrades(
    _ count: Int, status: Int = 503, retryAfter: Duration? = nil
  ) {
    upgradeRefusals = (max(0, count), status, retryAfter)
  }

  /// Fails the next `count` mints with this status: 400, 401, 403, 429, 500 or 503.
  public mutating func failNextMints(_ count: Int, status: Int = 503) {
    mintFailures = (max(0, count), status)
  }

  /// Another quota: so many sessions at one time from now on, or any number. Those that are too many
  /// already stay.
  public mutating func limitSessions(to count: Int?) { seats = count }

  /// The service starts anew: every connection is cut, and, if it comes back without its memory, no
  /// handle of before is found again. Reports keep what was.
  public mutating func restart(forgettingSessions: Bool, at instant: EngineInstant) {
    dropAll(at: instant)
    guard forgettingSessions else { return }
    for session in sessions.indices where !sessions[session].isForgotten {
      sessions[session].lifeAlarm.cancel()
      forget(session)
    }
  }

  mutating func silence(_ slot: Int) {
    connections.slots[slot].held = nil
    connections.slots[slot][.silent] = true
    connections.slots[slot][.excused] = true
  }

  private mutating func withholdHandles(_ withholds: Bool, _ slot: Int) {
    connections.slots[slot][.withholdsHandles] = withholds
    let session = Int(connections.slots[slot].session)
    if !withholds, session >= 0, connections.slots[slot].phase == .live { markDirty(session) }
  }

  // MARK: By chance

  mutating func upgradeFault(at instant: EngineInstant) -> (status: Int, retryAfter: Duration?)? {
    if upgradeRefusals.left > 0 {
      upgradeRefusals.left -= 1
      totals.faults += 1
      return (upgradeRefusals.status, upgradeRefusals.retryAfter)
    }
    if chance.happens(configuration.faults.upgradeRefusals) {
      totals.faults += 1
      return (503, nil)
    }
    guard let limit = configuration.admitPerSecond else { return nil }
    if bucket == nil {
      bucket = AdmissionBucket(
        perSecond: limit, burst: configuration.admissionBurst, at: instant)
    }
    return bucket?.admits(at: instant) == false ? (503, nil) : nil
  }

  mutating func mintFault() -> (status: Int, body: [UInt8])? {
    if mintFailures.left > 0 {
      mintFailures.left -= 1
      totals.faults += 1
      return Self.mintFailure(mintFailures.status)
    }
    guard chance.happens(configuration.faults.mintFailures) else { return nil }
    totals.faults += 1
    return Self.mintFailure(chance.pick([500, 503, 429]) ?? 503)
  }

  private static func mintFailure(_ status: Int) -> (status: Int, body: [UInt8]) {
    switch status {
    case 400: (400, MintRefusal.keyInvalid)
    case 401: (401, MintRefusal.unauthenticated)
    case 403: (403, MintRefusal.unregistered)
    case 429: (429, MintRefusal.quota)
    case 500: (500, MintRefusal.internalError)
    case 503: (503, MintRefusal.unavailable)
    default: (status, Array("Not Found".utf8))
    }
  }

  /// Draws whether something will happen to a connection that has just been set up, and when.
  mutating func armIncident(_ slot: Int) {
    let plan = configuration.faults
    guard plan.hasIncidents, let incident = drawIncident(plan) else { return }
    let remaining = max(0, connections.slots[slot].endsAt - now)
    let span = min(remaining, plan.incidentsWithin?.nanoseconds ?? remaining)
    connections.slots[slot].incident = incident
    connections.slots[slot].incidentAlarm.set(
      saturated(chance.nanoseconds(upTo: span)), .incident, owner: UInt32(slot), in: &timers)
  }

  /// One draw decides among all kinds, so that their shares add up.
  private mutating func drawIncident(_ plan: FaultPlan) -> ConnectionRecord.Incident? {
    var point = chance.unit()
    func falls(_ share: Double) -> Bool {
      defer { point -= max(0, share) }
      return point >= 0 && point < share
    }
    if falls(plan.drops) { return .drop }
    if falls(plan.closes) { return .close(plan.notice(&chance)) }
    if falls(plan.silences) { return .silence }
    if falls(plan.earlyGoAways) {
      let left = chance.nanoseconds(upTo: 10_000_000_000)
      return .goAway(left < 1_000_000_000 ? nil : .nanoseconds(left))
    }
    if falls(plan.oddFrames) { return .oddFrame(chance.pick(Self.oddFrames) ?? []) }
    return nil
  }

  /// What a client must survive: broken JSON, nothing, unknown names, and an empty update.
  private static let oddFrames: [[UInt8]] = [
    #"{"serverContent":{"modelTurn""#, "", "{}", "[]",
    #"{"serverContent":{"somethingNew":{"a":[1,2]}}}"#,
    #"{"somethingNew":{"a":1},"usageMetadata":{"totalTokenCount":5}}"#,
    #"{"sessionResumptionUpdate":{}}"#,
    #"{"serverContent":{"turnComplete":"yes"}}"#,
  ].map { Array($0.utf8) }

  mutating func incidentDue(_ slot: Int) {
    guard let incident = connections.slots[slot].incident else { return }
    connections.slots[slot].incident = nil
    let fault: ServiceFault =
      switch incident {
      case .drop: .drop
      case .close(let notice): .close(notice)
      case .silence: .silence
      case .goAway(let left): .goAway(timeLeft: left)
      case .oddFrame(let bytes): .send(bytes)
      }
    inject(
      fault, into: connections.slots[slot].id, at: EngineInstant(nanoseconds: now))
  }
}

extension SplitMix64 {
  /// One of the elements, or nil if there are none.
  mutating func pick<T>(_ elements: [T]) -> T? {
    guard !elements.isEmpty else { return nil }
    let index = Int(truncatingIfNeeded: nanoseconds(upTo: Int64(elements.count)))
    return elements[min(index, elements.count - 1)]
  }
}
