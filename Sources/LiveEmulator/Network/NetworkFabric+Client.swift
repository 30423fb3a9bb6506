// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// What clients do, and what reaches them.
extension NetworkFabric {
  mutating func sent(_ frame: OutboundFrame, _ slot: Int, _ id: ConnectionID, at now: Int64) {
    guard links[slot].id == id, links[slot].client == .open else { return }
    switch frame {
    case .ping(let data): pushToService(.ping(data), slot, at: now)
    case .text(let bytes):
      links[slot].outboundBytes += bytes.count
      pushToService(.toService(bytes), slot, at: now)
      let outbound = links[slot].outboundBytes
      guard outbound > configuration.sendBuffer else { return }
      if outbound / 16 > configuration.sendBuffer {
        cut(slot, at: now)
      } else if !links[slot].isBlocked {
        links[slot].isBlocked = true
        pushTimer(.writable(false), slot, at: now)
      }
    }
  }

  /// Bytes of the client have left its send buffer.
  mutating func drained(_ slot: Int, _ bytes: Int, at now: Int64) {
    links[slot].outboundBytes -= bytes
    if links[slot].isBlocked, links[slot].outboundBytes < configuration.sendBuffer / 2 {
      links[slot].isBlocked = false
      pushTimer(.writable(true), slot, at: now)
    }
  }

  mutating func closed(
    _ slot: Int, _ id: ConnectionID, code: UInt16, reason: String, at now: Int64
  ) {
    guard links[slot].id == id, links[slot].client == .open else { return }
    links[slot].client = .closing
    pushToService(.closeToService(code: code, reason: reason), slot, at: now)
  }

  mutating func aborted(_ slot: Int, _ id: ConnectionID, at now: Int64) {
    guard links[slot].id == id, links[slot].client != .finished else { return }
    record("abort", id, at: now)
    clientEnded(slot, at: now)
    if links[slot].id == id, links[slot].service != .gone {
      pushToService(.resetToService, slot, at: now)
    }
  }

  mutating func readingChanged(
    _ slot: Int, _ id: ConnectionID, _ isReading: Bool, at now: Int64
  ) {
    guard links[slot].id == id, links[slot].isReading != isReading else { return }
    links[slot].isReading = isReading
    record(isReading ? "read" : "stop-reading", id, at: now)
    guard isReading, var waiting = links[slot].held.take() else { return }
    // What the receive buffer took comes at once; the service learns of the room half a round trip
    // later, and what had to wait there needs another half.
    var kept = Ring<Flight.Kind>()
    var keptBytes = 0
    while let kind = waiting.popFirst() {
      if keptBytes < configuration.receiveWindow {
        keptBytes += Self.size(kind)
        kept.append(kind)
      } else {
        pushToClient(kind, slot, at: now, late: halfTrip)
      }
    }
    links[slot].held = kept
    links[slot].heldBytes = keptBytes
    pushTimer(.resume, slot, at: now)
  }

  // MARK: Arriving

  mutating func arrivedAtClient(_ flight: Flight, at now: Int64) -> NetworkEffect {
    let slot = flight.slot
    guard links[slot].id == flight.id, links[slot].client != .finished, !links[slot].isSilent
    else {
      if case .toClient(let bytes) = flight.kind { lostToClient(bytes.count, flight.id, at: now) }
      return .nothing
    }
    guard links[slot].isReading, links[slot].held == nil else {
      hold(flight.kind, slot, at: now)
      return .nothing
    }
    return taken(flight.kind, slot, at: now)
  }

  /// One of the things held for a client that reads again.
  mutating func resumed(_ flight: Flight, at now: Int64) -> NetworkEffect {
    let slot = flight.slot
    guard links[slot].id == flight.id, links[slot].isReading,
      let kind = links[slot].held?.popFirst()
    else { return .nothing }
    links[slot].heldBytes -= Self.size(kind)
    if links[slot].held?.isEmpty == true {
      links[slot].held = nil
    } else {
      pushTimer(.resume, slot, at: now)
    }
    return taken(kind, slot, at: now)
  }

  private mutating func hold(_ kind: Flight.Kind, _ slot: Int, at now: Int64) {
    var held = links[slot].held.take() ?? Ring()
    held.append(kind)
    links[slot].heldBytes += Self.size(kind)
    let isOpenAtService = links[slot].service == .open || links[slot].service == .closing
    let isTooMuch = links[slot].heldBytes > configuration.heldLimit && isOpenAtService
    if isTooMuch { held.append(.lost) }
    links[slot].held = held
    guard isTooMuch else { return }
    record("slow-client-cut", links[slot].id, at: now)
    figures.slowClientsCut &+= 1
    figures.connectionsLost &+= 1
    serviceLost(slot, at: now)
  }

  /// The client takes what has arrived.
  private mutating func taken(_ kind: Flight.Kind, _ slot: Int, at now: Int64) -> NetworkEffect {
    let id = links[slot].id
    switch kind {
    case .toClient(let bytes) where bytes.count > configuration.messageLimit:
      return tooLarge(bytes.count, slot, at: now)
    case .toClient(let bytes):
      figures.framesToClient &+= 1
      figures.bytesToClient &+= UInt64(bytes.count)
      record("out", id, at: now) { $0.field("bytes", bytes.count) }
      return .deliver(slot, bytes)
    case .pong(let data): return .pong(slot, data)
    case .closed(let code, let reason):
      record("closed", id, at: now) { $0.field("code", code ?? 1005) }
      if links[slot].client == .open, links[slot].service == .closing {
        pushToService(.closeToService(code: code, reason: reason), slot, at: now)
      }
      clientEnded(slot, at: now)
      return .closed(slot, code: code, reason: reason)
    case .lost:
      record("lost", id, at: now)
      clientEnded(slot, at: now)
      return .lost(slot)
    default: return .nothing
    }
  }

  /// The client refuses a message, and with it the connection.
  private mutating func tooLarge(_ bytes: Int, _ slot: Int, at now: Int64) -> NetworkEffect {
    let id = links[slot].id
    record("too-large", id, at: now) { $0.field("bytes", bytes) }
    lostToClient(bytes, id, at: now)
    if links[slot].client == .open {
      pushToService(
        .closeToService(code: 1009, reason: "a message that is too large"), slot, at: now)
    }
    if links[slot].service != .gone { pushToService(.resetToService, slot, at: now) }
    clientEnded(slot, at: now)
    return .tooLarge(slot)
  }

  private mutating func clientEnded(_ slot: Int, at now: Int64) {
    links[slot].client = .finished
    if var held = links[slot].held.take() {
      while let kind = held.popFirst() {
        if case .toClient(let bytes) = kind {
          lostToClient(bytes.count, links[slot].id, at: now)
        }
      }
    }
    freeIfOver(slot)
  }

  private static func size(_ kind: Flight.Kind) -> Int {
    if case .toClient(let bytes) = kind { return bytes.count }
    return 0
  }
}
