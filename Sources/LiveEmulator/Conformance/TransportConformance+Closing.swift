// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker
internal import Synchronization

extension TransportConformance {
  static let closingChecks: [(String, Check)] = [
    ("a close of ours is answered and told once", ownClose),
    ("what the peer sent before its answer is delivered", contentBeforeAnswer),
    ("a close of the peer is told with code and reason", peerClose),
    ("a close without a code is told as such", closeWithoutCode),
    ("a close that is not answered ends all the same", unansweredClose),
    ("a cut connection is told as lost", cut),
    ("after abort the sink hears nothing and the peer sees the end", abort),
    ("sends after close are ignored", sendAfterClose),
  ]

  private static let ownClose: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    await line.send(Array("last".utf8))
    await line.call { $0.close(code: 1000, reason: "done") }
    await line.expectAtPeer(.message(Array("last".utf8)), "before the close")
    await line.expectAtPeer(.close(code: 1000, reason: "done"), "the close")
    guard case .signal(.closed(let code, _))? = await line.next() else {
      report.add("the sink did not hear the answer to the close")
      return await line.end()
    }
    report.expect(code == 1000, "the answer's code is \(code ?? 0)")
    await line.end()
  }

  private static let contentBeforeAnswer: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    await line.remote.perform(.answerCloses(false))
    await line.call { $0.close(code: 1000, reason: "") }
    await line.expectAtPeer(.close(code: 1000, reason: ""), "the close")
    await line.remote.perform(.close(code: 1000, reason: ""))
    await line.expectClosed(1000, "")
    await line.end()
  }

  private static let peerClose: Check = { conformance, report in
    let reason = "The service is currently unavailable. \u{00E4}\u{6F22}"
    guard let line = await conformance.open(report) else { return }
    await line.remote.perform(.send(Array("before".utf8), asText: true, frames: 1))
    await line.remote.perform(.close(code: 1011, reason: reason))
    await line.expectMessage(Array("before".utf8), "before the close")
    await line.expectClosed(1011, reason)
    await line.end()
  }

  private static let closeWithoutCode: Check = { conformance, report in
    guard conformance.peer.abilities.contains(.closesWithoutCode),
      let line = await conformance.open(report)
    else { return }
    await line.remote.perform(.close(code: nil, reason: ""))
    await line.expectClosed(nil, "")
    await line.end()
  }

  private static let unansweredClose: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    await line.remote.perform(.answerCloses(false))
    await line.call { $0.close(code: 1000, reason: "") }
    await line.expectAtPeer(.close(code: 1000, reason: ""), "the close")
    if conformance.peer.abilities.contains(.boundsCloses) { await line.expectFailed(.timedOut) }
    await line.end()
  }

  private static let cut: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    await line.remote.perform(.send(Array("before".utf8), asText: false, frames: 1))
    await line.remote.perform(.drop)
    await line.expectMessage(Array("before".utf8), "before the cut")
    await line.expectFailed(.connectionLost)
    await line.end()
  }

  private static let abort: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    await line.abort()
    await line.remote.perform(.send(Array("too late".utf8), asText: true, frames: 1))
    await line.expectAtPeer(.ended, "after abort")
    await line.end()
    // A sink that is called on the executor has complained of any call. One that is called from
    // elsewhere may have heard what was under way when the abort got there, but never of an end.
    report.expect(!line.sink.hasHeardEnd, "the sink was told of the end")
  }

  private static let sendAfterClose: Check = { conformance, report in
    guard let line = await conformance.open(report) else { return }
    await line.call { connection in
      connection.close(code: 1000, reason: "")
      connection.send(.text(Array("late".utf8)))
      connection.send(.ping([]))
      connection.close(code: 1001, reason: "again")
    }
    await line.expectAtPeer(.close(code: 1000, reason: ""), "the close")
    await line.expectClosed(1000, "")
    await line.expectAtPeer(.ended, "behind the close")
    await line.end()
  }
}
