// SPDX-License-Identifier: Apache-2.0

public import LiveBroker

/// Opening and ending of connections.
extension LiveService {
  /// Answers a WebSocket upgrade. Wrong credentials are accepted here and refused by a close frame,
  /// as the real service does (live-api.md A.7); only admission and injected refusals are HTTP errors.
  ///
  /// A number that is already in use is refused with 400. This one is for version `v1beta`.
  public mutating func upgrade(
    _ connection: ConnectionID, credential: Credential?, at instant: EngineInstant
  ) -> UpgradeAnswer {
    upgrade(connection, credential: credential, version: "v1beta", at: instant)
  }

  /// The same, for the API version that the path named: the service speaks of it.
  public mutating func upgrade(
    _ connection: ConnectionID, credential: Credential?, version: String, at instant: EngineInstant
  ) -> UpgradeAnswer {
    advance(to: instant)
    if let refusal = upgradeFault(at: instant) {
      return refused(connection, status: refusal.status, retryAfter: refusal.retryAfter)
    }
    guard let slot = connections.open(connection) else {
      return refused(connection, status: 400, retryAfter: nil)
    }
    totals.upgrades += 1
    let rules = configuration.connections
    let jitter = chance.draws(rules.lifetimeJitter)
    let endsAt = saturated(max(0, rules.lifetime.nanoseconds - jitter))
    connections.slots[slot].version = version
    connections.slots[slot].endsAt = endsAt
    connections.slots[slot].setupAlarm.set(
      saturated(pace.standbyPatience), .setup, owner: UInt32(slot), in: &timers)
    armAge(slot)
    touch(slot)
    admit(slot, credential)
    return .accepted
  }

  private mutating func refused(
    _ connection: ConnectionID, status: Int, retryAfter: Duration?
  ) -> UpgradeAnswer {
    totals.upgradesRefused += 1
    note(.upgradeRefused(connection, status: status))
    return .refused(status: status, retryAfter: retryAfter)
  }

  /// Looks at the credential: a bad one is refused by a close right after the upgrade.
  private mutating func admit(_ slot: Int, _ credential: Credential?) {
    switch credential {
    case nil: close(slot, .tokenMalformed)
    // Whoever issues access tokens is not played here: any of them opens.
    case .vertex: break
    case .apiKey(let key):
      if !configuration.credentials.accepts(key) { close(slot, .keyInvalid) }
    case .ephemeralToken(let name):
      switch tokens.find(name, at: now) {
      case .unknown: close(slot, .tokenMalformed)
      case .expired: close(slot, .tokenExpired)
      case .valid(let serial):
        let ends = tokens[serial]?.expires ?? now
        let isAsked = tokens[serial]?.hasAskedTimes == true
        let skew = isAsked ? pace.skew : 0
        connections.slots[slot].token = serial
        connections.slots[slot].blameAfter =
          EngineInstant(nanoseconds: ends)
          .advanced(by: .nanoseconds(pace.tolerance + skew)).nanoseconds
        connections.slots[slot].credentialAlarm.set(
          ends, .credential, owner: UInt32(slot), in: &timers)
      }
    }
  }

  private mutating func armAge(_ slot: Int) {
    let endsAt = connections.slots[slot].endsAt
    var next = endsAt
    if let notice = configuration.connections.goAwayNotice,
      !chance.happens(configuration.faults.missingGoAways)
    {
      next = max(now, endsAt - max(0, notice.nanoseconds))
    } else {
      connections.slots[slot][.sentGoAway] = true
    }
    connections.slots[slot].ageAlarm.set(next, .age, owner: UInt32(slot), in: &timers)
  }

  /// goAway is due, or the connection's end, or the patience with a close that nobody answers.
  mutating func ageDue(_ slot: Int) {
    let record = connections.slots[slot]
    switch record.phase {
    case .free: return
    case .closing: cut(slot)
    case .upgraded, .settingUp, .live:
      if !record[.sentGoAway], now < record.endsAt {
        sendGoAway(slot, timeLeft: .nanoseconds(record.endsAt - now))
      } else if record[.silent] {
        cut(slot)
      } else {
        totals.goAwaysIgnored += 1
        close(slot, configuration.connections.endOfLife)
      }
    }
  }

  /// Announces the end, which comes after `cutAfter`, or when it is announced for if that is nil.
  mutating func sendGoAway(_ slot: Int, timeLeft: Duration?, cutAfter: Duration? = nil) {
    guard connections.slots[slot].phase != .closing else { return }
    let left = cutAfter ?? timeLeft ?? configuration.connections.goAwayNotice ?? .zero
    connections.slots[slot][.sentGoAway] = true
    let endsAt = saturated(max(0, left.nanoseconds))
    connections.slots[slot].endsAt = endsAt
    connections.slots[slot].ageAlarm.set(endsAt, .age, owner: UInt32(slot), in: &timers)
    totals.goAways += 1
    note(.goAway(connections.slots[slot].id, timeLeft: timeLeft ?? .zero))
    send(slot, voice.goAway(timeLeft), mayWait: false)
    if chance.happens(configuration.faults.goAwaySilences) {
      totals.faults += 1
      silence(slot)
    }
  }

  /// Begins the close handshake. The session is free at once: the service itself has let it go.
  mutating func close(_ slot: Int, _ notice: CloseNotice) {
    guard connections.slots[slot].phase != .free, connections.slots[slot].phase != .closing else {
      return
    }
    letGo(slot)
    detach(slot, lag: 0)
    connections.slots[slot].phase = .closing
    connections.slots[slot].setupAlarm.cancel()
    connections.slots[slot].credentialAlarm.cancel()
    connections.slots[slot].incidentAlarm.cancel()
    connections.slots[slot].ageAlarm.set(
      saturated(pace.closePatience), .age, owner: UInt32(slot), in: &timers)
    totals.closesByService += 1
    let id = connections.slots[slot].id
    note(.closed(id, code: notice.code, reason: notice.reason))
    outputs.append(.close(id, code: notice.code, reason: notice.reason))
  }

  /// Cuts the TCP connection.
  mutating func cut(_ slot: Int) {
    guard connections.slots[slot].phase != .free else { return }
    let id = connections.slots[slot].id
    detach(slot, lag: 0)
    connections.release(slot)
    totals.drops += 1
    note(.dropped(id, byService: true))
    outputs.append(.drop(id))
  }

  /// A close frame came: the client's own, or its answer to ours. `code` is nil if it had none.
  public mutating func closeReceived(
    _ connection: ConnectionID, code: UInt16?, reason: String, at instant: EngineInstant
  ) {
    advance(to: instant)
    guard let slot = connections.slot(connection) else { return }
    guard connections.slots[slot].phase != .closing else {
      connections.release(slot)
      return
    }
    totals.closesByClient += 1
    connections.slots[slot].held = nil
    note(.closedByClient(connection, code: code))
    var answers = configuration.connections.answersClose && !connections.slots[slot][.silent]
    if answers, chance.happens(configuration.faults.unansweredCloses) {
      totals.faults += 1
      answers = false
    }
    detach(slot, lag: pace.releaseLag)
    if answers {
      outputs.append(.close(connection, code: code ?? 1000, reason: ""))
      connections.release(slot)
    } else {
      connections.slots[slot].phase = .closing
      connections.slots[slot].setupAlarm.cancel()
      connections.slots[slot].credentialAlarm.cancel()
      connections.slots[slot].incidentAlarm.cancel()
      connections.slots[slot].ageAlarm.set(
        saturated(pace.closePatience), .age, owner: UInt32(slot), in: &timers)
    }
  }

  /// The TCP connection is gone without a close frame, or after the close handshake.
  public mutating func disconnected(_ connection: ConnectionID, at instant: EngineInstant) {
    advance(to: instant)
    guard let slot = connections.slot(connection) else { return }
    if connections.slots[slot].phase != .closing {
      totals.drops += 1
      note(.dropped(connection, byService: false))
      detach(slot, lag: pace.ghostLag)
    }
    connections.release(slot)
  }

  /// A ping came. Answers whether the service sends the pong, which is due
  /// ``ConnectionRules/pongDelay`` later; a connection that has fallen silent sends none.
  public mutating func pingReceived(_ connection: ConnectionID, at instant: EngineInstant) -> Bool {
    advance(to: instant)
    guard let slot = connections.slot(connection) else { return false }
    touch(slot)
    return connections.slots[slot].phase != .closing && !connections.slots[slot][.silent]
  }

  /// Something came on the connection: a reaper of idle ones in between starts counting anew.
  mutating func touch(_ slot: Int) {
    guard let limit = configuration.connections.idleLimit else { return }
    connections.slots[slot].idleAlarm.set(
      saturated(max(0, limit.nanoseconds)), .idle, owner: UInt32(slot), in: &timers)
  }

  /// The service is about to stop: every connection is told goAway, and closed after `timeLeft`. One
  /// that ends sooner anyway keeps its end.
  public mutating func announceEnd(timeLeft: Duration, at instant: EngineInstant) {
    advance(to: instant)
    let end = saturated(max(0, timeLeft.nanoseconds))
    for slot in connections.slots.indices where connections.slots[slot].phase != .free {
      if connections.slots[slot][.sentGoAway], connections.slots[slot].endsAt <= end { continue }
      sendGoAway(slot, timeLeft: timeLeft)
    }
  }

  /// The storm: every connection is cut at once, without a close.
  public mutating func dropAll(at instant: EngineInstant) {
    advance(to: instant)
    for slot in connections.slots.indices { cut(slot) }
  }
}

extension SplitMix64 {
  /// Whether something of this probability happens. Nothing is drawn for an impossible one.
  mutating func happens(_ probability: Double) -> Bool {
    probability > 0 && unit() < probability
  }

  /// Nanoseconds, uniform from zero to `bound`. Nothing is drawn for none.
  mutating func draws(_ bound: Duration) -> Int64 { nanoseconds(upTo: bound.nanoseconds) }
}
