// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// A client's hand on one connection of an emulated network.
final class EmulatedConnection: LiveConnection {
  private let hub: NetworkHub
  private let slot: Int
  private let id: ConnectionID

  init(hub: NetworkHub, slot: Int, id: ConnectionID) {
    self.hub = hub
    self.slot = slot
    self.id = id
  }

  func send(_ frame: OutboundFrame) { hub.send(frame, slot, id) }

  func close(code: UInt16, reason: String) {
    hub.close(slot, id, code: code, reason: reason)
  }

  func abort() { hub.abort(slot, id) }

  func setReading(_ enabled: Bool) { hub.setReading(enabled, slot, id) }
}

extension EmulatedConnection: DialUnderWay {
  /// Gives the dial up whose connection this would be.
  func cancel() { hub.cancelDial(slot, id) }
}
