// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator
import Testing

/// Each check of pressure and of limits, shown a transport that fails it and nothing else.
@Suite("What the conformance suite finds")
struct TamperedTransportTests {
  private static let unread = "a peer that does not read is told of, and nothing is lost"
  private static let tooLarge =
    "a message over the limit ends the connection as soon as that is known"

  private func violations(
    _ fault: TamperedTransport.Fault, _ check: String, limit: Int? = nil,
    networkLimit: Int = 64 << 20,
    abilities: ConformanceAbilities = [.callsOnExecutor, .stopsReading]
  ) throws -> [String] {
    let simulation = Simulation(seed: 1)
    let peer = EmulatedPeer(simulation, abilities: abilities) { network in
      network.messageLimit = networkLimit
      // Untold, the client goes on as long as the suite lets it.
      if fault == .staysSilent { network.sendBuffer = 128 << 20 }
    }
    let suite = TransportConformance(
      TamperedTransport(base: peer.network, fault: fault, messageLimit: limit ?? .max),
      peer: peer, runtime: simulation.runtime, patience: .seconds(60), messageLimit: limit)
    return try simulation.run { await suite.check(only: [check]) }.map(\.message)
  }

  @Test(
    "Untold, told twice, told inside a call, never taken back, lost or out of order",
    arguments: [
      (.staysSilent, "the peer left 1024 messages of 64 KiB unread, and nobody was told"),
      (.tellsTwice, "when the peer had read all"),
      (.tellsInside, "the sink got a call from inside a call of the connection"),
      (.neverRecovers, "when the peer had read all: nil instead of writable(true)"),
      (.loses, "message 16: the peer saw nil"),
      (.reorders, "message 16: the peer saw a message of 65539 bytes"),
    ] as [(TamperedTransport.Fault, String)])
  func pressure(fault: TamperedTransport.Fault, found: String) throws {
    let messages = try violations(fault, Self.unread)
    #expect(messages.contains { $0.hasPrefix(found) }, "\(messages)")
  }

  @Test(
    "An end that is no error, is the wrong one, or is not told to the peer",
    arguments: [
      (.tellsClose, "one byte too much did not fail: the sink heard Optional("),
      (.tellsLoss, "one byte too much gave lost"),
    ] as [(TamperedTransport.Fault, String)])
  func ends(fault: TamperedTransport.Fault, found: String) throws {
    let messages = try violations(fault, Self.tooLarge, limit: 1_000, networkLimit: 1_000)
    #expect(messages.count == 1 && messages[0].hasPrefix(found), "\(messages)")
  }

  @Test("An end of which the peer does not learn why")
  func vanishes() throws {
    let messages = try violations(.vanishes, Self.tooLarge, limit: 1_000)
    let found = "behind one byte too much the peer saw Optional("
    #expect(messages.count == 1 && messages[0].hasPrefix(found), "\(messages)")
  }

  @Test("A message over the limit that is taken")
  func taken() throws {
    let messages = try violations(.tellsTwice, Self.tooLarge, limit: 1_000)
    #expect(
      messages == ["one byte too much did not fail: the sink heard a message of 1001 bytes"])
  }

  @Test("Somebody who waits for the rest of a message that is too large already")
  func waits() throws {
    // The peer's raw bytes arrive nowhere, as if the transport went on to wait.
    let messages = try violations(
      .tellsTwice, Self.tooLarge, limit: 1_000, networkLimit: 1_000,
      abilities: [.callsOnExecutor, .rawBytes])
    #expect(
      messages == [
        "the announcement of too much did not fail: the sink heard nil",
        "a message without an end did not fail: the sink heard nil",
      ])
  }
}
