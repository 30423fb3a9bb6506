// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

extension TransportConformance {
  static let framingChecks: [(String, Check)] = [
    ("messages of all sizes go out whole and in order", outboundSizes),
    ("messages of all sizes arrive whole and in order", inboundSizes),
    ("a fragmented message is put together", fragments),
    ("a ping is answered by a pong that is told", pings),
    ("a ping of the peer is answered with its data", peerPings),
    ("a peer that breaks the protocol is dropped with an error", brokenProtocol),
    ("a message over the limit ends the connection as soon as that is known", tooLarge),
  ]

  /// The borders of the three ways to write a length, and a big one.
  private static let sizes = [
    0, 1, 2, 124, 125, 126, 127, 128, 4095, 65_535, 65_536, 65_537, 1 << 20,
  ]

  /// ASCII of a given length in which every stretch differs.
  static func payload(_ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(0x20 + ($0 &* 31 &+ $0 >> 8 &+ size) % 0x5F) }
  }

  private static let outboundSizes: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    await line.call { connection in
      for size in sizes { connection.send(.text(payload(size))) }
    }
    for size in sizes { await line.expectAtPeer(.message(payload(size)), "\(size) bytes") }
    await line.end()
  }

  private static let inboundSizes: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    for (index, size) in sizes.enumerated() {
      await line.remote.perform(.send(payload(size), asText: index % 2 == 0, frames: 1))
    }
    for size in sizes { await line.expectMessage(payload(size), "\(size) bytes") }
    await line.end()
  }

  private static let fragments: Check = { conformance, report in
    guard conformance.peer.abilities.contains(.fragments),
      let line = await conformance.open(report)
    else { return }
    for (size, frames) in [(10, 2), (0, 3), (200_000, 7), (3, 3)] {
      for asText in [true, false] {
        await line.remote.perform(.send(payload(size), asText: asText, frames: frames))
        await line.expectMessage(payload(size), "\(size) bytes in \(frames) frames")
      }
    }
    await line.end()
  }

  private static let pings: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    let data = payload(125)
    await line.call { $0.send(.ping(data)) }
    if conformance.peer.abilities.contains(.pings) {
      await line.expectAtPeer(.ping(data), "a ping")
    }
    guard case .signal(.pong(let answer))? = await line.next() else {
      return report.add("the sink did not hear the pong")
    }
    guard answer == data else {
      return report.add("the pong did not bring the data of its ping")
    }
    await line.end()
  }

  private static let peerPings: Check = { conformance, report in
    guard conformance.peer.abilities.contains(.pings), let line = await conformance.open(report)
    else { return }
    for size in [0, 1, 125] {
      await line.remote.perform(.ping(payload(size)))
      await line.expectAtPeer(.pong(payload(size)), "the answer to a ping of \(size) bytes")
    }
    await line.end()
  }

  /// Each is wrong in one way; none may do more than end its connection.
  private static let broken: [(String, [UInt8])] = [
    ("a reserved bit", [0xC1, 0x00]),
    ("an unknown opcode", [0x83, 0x00]),
    ("a masked frame", [0x81, 0x81, 1, 2, 3, 4, 5]),
    ("a fragmented ping", [0x09, 0x00]),
    ("a long ping", [0x89, 0x7E, 0x00, 0x7E] + [UInt8](repeating: 0, count: 126)),
    ("a continuation of nothing", [0x80, 0x00]),
    ("a message inside a message", [0x01, 0x00, 0x81, 0x00]),
    ("a length of 2^63", [0x82, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ("an absurd length", [0x82, 0x7F, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
    ("text that is not UTF-8", [0x81, 0x02, 0xC3, 0x28]),
    ("a close frame of one byte", [0x88, 0x01, 0x03]),
    ("a close code that may not be sent", [0x88, 0x02, 0x03, 0xED]),
    ("a close reason that is not UTF-8", [0x88, 0x03, 0x03, 0xE8, 0xFF]),
  ]

  private static let brokenProtocol: Check = { conformance, report in
    guard conformance.peer.abilities.contains(.rawBytes) else { return }
    for (name, bytes) in broken {
      guard let line = await conformance.open(report) else { return }
      await line.remote.perform(.send(Array("sound".utf8), asText: true, frames: 1))
      await line.remote.perform(.sendRaw(bytes))
      await line.expectMessage(Array("sound".utf8), "before \(name)")
      guard case .signal(.failed(let error))? = await line.next() else {
        report.add("\(name) was taken")
        await line.end()
        continue
      }
      report.expect(error.code == .protocolViolation, "\(name) gave \(error.code)")
      await line.end()
    }
  }

  /// Ways to go over a limit; none may make the transport keep more than the limit.
  private static func excesses(
    over limit: Int, _ abilities: ConformanceAbilities
  ) -> [(String, [ConformancePeerAction])] {
    let tooMuch = payload(limit + 1)
    var excesses: [(String, [ConformancePeerAction])] = [
      ("one byte too much", [.send(tooMuch, asText: false, frames: 1)])
    ]
    if abilities.contains(.fragments) {
      excesses.append(
        ("one byte too much in two frames", [.send(tooMuch, asText: true, frames: 2)]))
    }
    guard abilities.contains(.rawBytes) else { return excesses }
    // Nothing is to be waited for: a transport that wants to see the rest would keep it.
    return excesses + [
      ("the announcement of too much", [.sendRaw([0x82] + length(limit + 1))]),
      ("a message without an end", [.sendRaw(pieces(of: limit / 2 + 1))]),
    ]
  }

  /// The first two frames of a message that has more.
  private static func pieces(of size: Int) -> [UInt8] {
    let rest = length(size) + payload(size)
    return [0x02] + rest + [0x00] + rest
  }

  /// How the header of an unmasked frame tells its length.
  private static func length(_ size: Int) -> [UInt8] {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: size >> (56 - 8 * $0)) }
    switch size {
    case ...125: return [bytes[7]]
    case ...0xFFFF: return [0x7E] + bytes[6...]
    default: return [0x7F] + bytes
    }
  }

  private static let tooLarge: Check = { conformance, report in
    guard let limit = conformance.messageLimit else { return }
    for (name, actions) in excesses(over: limit, conformance.peer.abilities) {
      guard let line = await conformance.open(report) else { return }
      await line.remote.perform(.send(payload(limit), asText: false, frames: 1))
      await line.expectMessage(payload(limit), "the largest message before \(name)")
      for action in actions { await line.remote.perform(action) }
      switch await line.next() {
      case .signal(.failed(let error))?:
        report.expect(error.code == .protocolViolation, "\(name) gave \(error.code)")
        let seen = await line.remote.nextEvent()
        let isTold = if case .close(1009, _)? = seen { true } else { false }
        report.expect(
          isTold, "behind \(name) the peer saw \(ConformanceLine.short(seen)), not a close 1009")
      case let other:
        report.add("\(name) did not fail: the sink heard \(ConformanceLine.short(other))")
      }
      await line.end()
    }
  }
}
