// SPDX-License-Identifier: Apache-2.0

#if NIO
import Foundation
import LiveBroker

/// Holds a conversation with a Live service, the real one or an emulated one, through the broker.
struct TalkCommand: DemoCommand {
  static let name = "talk"
  static let summary = "a conversation through the broker, with the real service or one of serve"
  static var flagLines: [String] { TalkOptions.helpLines }

  let options: TalkOptions

  init(arguments: ArraySlice<String>) throws(UsageError) {
    options = try TalkOptions(arguments: arguments)
  }

  func run() async -> ExitStatus {
    let talk: Talk
    do throws(TalkFailure) {
      talk = try prepared()
    } catch {
      Console.complain(error.message)
      return error.status
    }
    let signals = StopSignals()
    return await withTaskGroup(of: ExitStatus?.self) { group in
      group.addTask(name: "talk") { await held(talk) }
      group.addTask(name: "stop") {
        guard await signals.next() else { return nil }
        talk.stop.turnOn()
        guard await signals.next() else { return nil }
        // Whoever asks twice does not want to wait for anything.
        talk.screen.finish()
        exit(ExitStatus.aborted.code)
      }
      let status = await group.next() ?? nil
      group.cancelAll()
      return status ?? .software
    }
  }

  /// Everything that can be refused before anything is sent.
  private func prepared() throws(TalkFailure) -> Talk {
    let key = try TalkKey.key(
      from: ProcessInfo.processInfo.environment, for: options.endpoint)
    try TalkSetup.checkAuthority(options.authority)
    let isTyped = options.input == .typed && Console.inputIsTerminal
    return Talk(
      options, key: key, recording: try recording(),
      lines: options.input == .typed ? Console.lines() : Console.noLines, isTyped: isTyped,
      voice: try voice(), screen: screen(isTyped: isTyped))
  }

  private func recording() throws(TalkFailure) -> Recording? {
    guard case .speech(let source) = options.input else { return nil }
    do throws(RecordingError) {
      return try Recording.load(source)
    } catch {
      throw TalkFailure(.usage, "--audio: \(error)")
    }
  }

  private func voice() throws(TalkFailure) -> WAVWriter? {
    guard let path = options.saveFile else { return nil }
    do throws(OutputFileError) {
      return try WAVWriter(path: path)
    } catch {
      throw TalkFailure(.cannotCreate, "\(error)")
    }
  }

  private func screen(isTyped: Bool) -> TalkScreen {
    let style: TalkScreen.Style =
      if options.printsJSON {
        .silent
      } else if !Console.canDraw {
        .lines
      } else {
        isTyped ? .aboveInput : .inPlace
      }
    return TalkScreen(style, sessions: options.sessions, length: options.length)
  }

  private func held(_ talk: Talk) async -> ExitStatus {
    do throws(TalkFailure) {
      let summary = try await talk.run()
      try close(talk.voice)
      show(summary)
      return summary.holds ? .success : .promiseBroken
    } catch {
      try? close(talk.voice)
      talk.screen.finish()
      if let account = error.account { show(account) }
      Console.complain(error.message)
      return error.status
    }
  }

  private func show(_ summary: TourSummary) {
    guard !options.printsJSON else { return Console.say(summary.json) }
    // Standard output belongs to the model's words, if there are any.
    let table = SummaryTable(summary: summary).lines().joined(separator: "\n")
    options.sessions == 1 ? Console.draw(table + "\n") : Console.say(table)
  }

  private func close(_ voice: WAVWriter?) throws(TalkFailure) {
    do throws(OutputFileError) {
      try voice?.close()
    } catch {
      throw TalkFailure(.cannotCreate, "\(error)")
    }
  }
}
#endif
