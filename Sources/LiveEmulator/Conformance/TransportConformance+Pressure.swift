// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

extension TransportConformance {
  static let pressureChecks: [(String, Check)] = [
    ("nothing is delivered while nobody reads, and all of it afterwards", pausedReading),
    ("a close is heard though nobody reads", closeWhilePaused),
    ("reading may be stopped and started at any time", flickeringReading),
    ("a peer that does not read is told of, and nothing is lost", unreadByPeer),
  ]

  private static let pausedReading: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    let message = payload(10_000)
    await line.call { $0.setReading(false) }
    // Calls take effect in order, so what was sent after the pause proves it.
    await line.send(Array("paused".utf8))
    await line.expectAtPeer(.message(Array("paused".utf8)), "behind the pause")
    for _ in 0..<20 { await line.remote.perform(.send(message, asText: false, frames: 1)) }
    // A whole other connection passes the time without a clock.
    guard let other = await conformance.open(report, generation: 2) else { return }
    await other.remote.perform(.send(message, asText: false, frames: 1))
    await other.expectMessage(message, "on another connection")
    report.expect(line.sink.events.count == 0, "\(line.sink.events.count) messages were delivered")
    await line.send(Array("out".utf8))
    await line.expectAtPeer(.message(Array("out".utf8)), "while reading is paused")
    await line.call { $0.setReading(true) }
    for index in 0..<20 { await line.expectMessage(message, "message \(index) after the pause") }
    await other.end()
    await line.end()
  }

  private static let closeWhilePaused: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    await line.call { $0.setReading(false) }
    await line.remote.perform(.send(Array("unread".utf8), asText: true, frames: 1))
    await line.call { $0.close(code: 1000, reason: "") }
    await line.expectAtPeer(.close(code: 1000, reason: ""), "the close")
    await line.call { $0.setReading(true) }
    await line.expectMessage(Array("unread".utf8), "what was not read")
    await line.expectClosed(1000, "")
    await line.end()
  }

  private static let flickeringReading: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    let count = 50
    for index in 0..<count {
      await line.remote.perform(.send(payload(index + 1), asText: true, frames: 1))
    }
    for index in 0..<count {
      await line.call { $0.setReading(index % 3 == 0) }
      await line.call { $0.setReading(true) }
      await line.expectMessage(payload(index + 1), "message \(index)")
    }
    await line.end()
  }

  /// Kernels on both sides take some mebibytes before a transport has to keep anything.
  private static let mostUnread = 64 << 20

  private static let unreadByPeer: Check = { conformance, report in
    guard conformance.peer.abilities.contains(.stopsReading),
      let line = await conformance.open(report),
      let other = await conformance.open(report, generation: 2)
    else { return }
    let filling = payload(65_536)
    let message: @Sendable (Int) -> [UInt8] = { Array("\($0) ".utf8) + filling }
    let aside = Array("meanwhile".utf8)
    await line.remote.perform(.read(false))
    var sent = 0
    while line.sink.events.count == 0, sent * filling.count < mostUnread {
      await line.send(message(sent))
      sent += 1
      // A message on another connection passes the time without a clock.
      await other.send(aside)
      guard await other.expectAtPeer(.message(aside), "on another connection") else { break }
    }
    if line.sink.events.count > 0 {
      await line.expectWritable(false, "when the peer did not read")
    } else {
      report.add("the peer left \(sent) messages of 64 KiB unread, and nobody was told")
    }
    // That is a wish and no limit: what is sent all the same is not lost.
    for _ in 0..<2 {
      await line.send(message(sent))
      sent += 1
    }
    await line.remote.perform(.read(true))
    for number in 0..<sent {
      guard await line.expectAtPeer(.message(message(number)), "message \(number)") else { break }
    }
    await line.send(aside)
    if report.messages.isEmpty { await line.expectAtPeer(.message(aside), "behind the pressure") }
    if report.messages.isEmpty { await line.expectWritableInTheEnd("when the peer had read all") }
    await other.end()
    await line.end()
  }
}
