// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// The network as a value: connections, what is under way on them, and the service at the far end.
///
/// It is told what clients do and that time has passed, and answers one effect at a time. It owns
/// no continuation, no sink and no executor; those are ``EmulatedNetwork``'s.
///
/// A connection's two ends live through these states:
///
///     client    dialing -> open -> closing -> finished        (finished from any: abort, loss, refusal)
///     service   absent -> open -> closing -> gone             (gone from any: reset, drop, answered close)
struct NetworkFabric: Sendable {
  let configuration: NetworkConfiguration
  let trace: Trace?
  let roundTrip: Int64
  let halfTrip: Int64
  let jitter: Int64

  /// Not a generic parameter: a layout that is known is what makes a step cheap.
  var service: any EmulatedService
  var flights = FlightQueue()
  var links: [NetworkLink] = []
  var figures = NetworkFigures()
  var random: SplitMix64
  var partition: NetworkPartition = []
  /// What was under way when a partition caught it, in order.
  var stranded: [Flight] = []
  var mints: [UInt64: MintCall] = [:]
  var recentUpgrades = Ring<Int64>()

  private var freeSlots: [Int] = []
  private(set) var slots: [ConnectionID: Int] = [:]
  private var lastID: UInt64 = 0
  var outputs: [ServiceOutput] = []

  init(
    service: any EmulatedService, configuration: NetworkConfiguration, seed: UInt64, trace: Trace?
  ) {
    self.service = service
    self.configuration = configuration
    self.trace = trace
    random = SplitMix64(seed: seed)
    roundTrip = max(configuration.roundTrip.nanoseconds, 0)
    halfTrip = roundTrip / 2
    jitter = max(configuration.faults.jitter.nanoseconds, 0)
  }

  /// When it next wants ``step(at:)``.
  var nextInstant: Int64? {
    switch (flights.nextInstant, service.nextDeadline?.nanoseconds) {
    case (nil, nil): nil
    case (let one?, nil): one
    case (nil, let other?): other
    case (let one?, let other?): min(one, other)
    }
  }

  /// Does the one thing that is due first: the service's own deadlines before what arrives.
  mutating func step(at now: Int64) -> NetworkEffect {
    if let due = service.nextDeadline, due.nanoseconds <= now {
      service.advance(to: EngineInstant(nanoseconds: now))
      carryOut(at: now)
      return .nothing
    }
    guard let flight = flights.pop(by: now) else { return .nothing }
    guard !strand(flight, at: now) else { return .nothing }
    return arrived(flight, at: now)
  }

  private mutating func arrived(_ flight: Flight, at now: Int64) -> NetworkEffect {
    switch flight.kind {
    case .connected, .secured, .refused, .timedOut, .opened, .upgradeRefused:
      guard links[flight.slot].id == flight.id else { return .nothing }
      return dialAdvanced(flight, at: now)
    case .upgrade, .toService, .ping, .closeToService, .resetToService:
      arrivedAtService(flight, at: now)
      return .nothing
    case .toClient, .pong, .closed, .lost:
      return arrivedAtClient(flight, at: now)
    case .writable(let writable):
      guard links[flight.slot].id == flight.id, links[flight.slot].client != .finished else {
        return .nothing
      }
      return .writable(flight.slot, writable)
    case .resume: return resumed(flight, at: now)
    case .pongDue(let data):
      if links[flight.slot].id == flight.id, links[flight.slot].service == .open {
        pushToClient(.pong(data), flight.slot, at: now)
      }
      return .nothing
    case .lossDue, .silenceDue, .silenceNoticed:
      faultDue(flight, at: now)
      return .nothing
    case .mintRequest, .mintAnswer, .mintTimedOut: return mintAdvanced(flight, at: now)
    }
  }

  // MARK: Places

  mutating func makeID() -> UInt64 {
    lastID &+= 1
    return lastID
  }

  mutating func place(_ link: NetworkLink) -> Int {
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
      links[slot] = link
    } else {
      slot = links.count
      links.append(link)
    }
    slots[link.id] = slot
    return slot
  }

  mutating func freeIfOver(_ slot: Int) {
    guard links[slot].id != 0, links[slot].isOver else { return }
    trace?.label(connection: links[slot].id, nil)
    slots[links[slot].id] = nil
    links[slot] = NetworkLink()
    freeSlots.append(slot)
  }

  // MARK: Sending

  /// Sends towards the client; never before what was sent to it earlier.
  mutating func pushToClient(_ kind: Flight.Kind, _ slot: Int, at now: Int64, late: Int64 = 0) {
    let usual = now &+ halfTrip
    var instant = usual &+ late
    if jitter > 0 { instant &+= random.nanoseconds(upTo: jitter) }
    instant = max(instant, links[slot].latestToClient)
    links[slot].latestToClient = instant
    flights.push(
      kind, id: links[slot].id, slot: slot, at: instant, isSteady: instant == usual)
  }

  /// Sends towards the service; never before what was sent there earlier on this connection.
  mutating func pushToService(_ kind: Flight.Kind, _ slot: Int, at now: Int64) {
    let usual = now &+ halfTrip
    var instant = usual
    if jitter > 0 { instant &+= random.nanoseconds(upTo: jitter) }
    instant = max(instant, links[slot].latestToService)
    links[slot].latestToService = instant
    flights.push(
      kind, id: links[slot].id, slot: slot, at: instant, isSteady: instant == usual)
  }

  /// Sets a timer of the network itself.
  mutating func pushTimer(_ kind: Flight.Kind, _ slot: Int, at instant: Int64) {
    flights.push(kind, id: links[slot].id, slot: slot, at: instant, isSteady: false)
  }

  mutating func chance(_ share: Double) -> Bool { share > 0 && random.unit() < share }

  // MARK: Tracing

  func record(
    _ what: StaticString, _ id: UInt64, at now: Int64,
    _ fields: (inout TraceLine) -> Void = { _ in }
  ) {
    trace?.record(at: EngineInstant(nanoseconds: now), connection: id, what, fields)
  }
}
