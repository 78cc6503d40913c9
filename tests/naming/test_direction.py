import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.naming.direction import Direction, best_position, direction_of, how_to_declare, lower_is_better, summarize

LOWER = """
    loss val_loss train/loss Loss/total_loss loss@step epoch_loss loss_epoch train_box_loss dice_loss neg_elbo_loss
    losses wer cer ter mer der eer wil eval/wer WER wer_score val_per test/per per_mean_error phoneme_error_rate
    perplexity ppl val_ppl log_perplexity token_ppl nll val/nll nll_per_token negative_log_likelihood neg_log_lik
    bpc bpb bits_per_dim bits_per_byte bits_per_character nats_per_token cross_entropy crossentropy xent bce
    SparseCategoricalCrossentropy BinaryCrossentropy Logloss logloss log_loss hinge squared_hinge huber pinball_loss
    mae mse rmse RMSE mape smape mase msle MeanSquaredError mean_absolute_percentage_error median_absolute_error
    max_error l1 l1_distance deviance mean_tweedie_deviance mean_poisson_deviance error err top1_error error_rate
    num_errors misclassification_rate fid FID kid fid_score lpips LPIPS kl approx_kl kl_div KLDivergence
    js_divergence mmd wasserstein ece calibration_error brier brier_score epe chamfer chamfer_distance hausdorff
    hausdorff_95 hd95 assd dist distance_to_goal fpr fnr FPR95 false_positive false_positives false_positive_rate
    false_negative_rate false_discovery_rate miss_rate cost total_cost regret cumulative_regret violation
    constraint_violations collision_rate failure_rate td_error accuracy_loss accuracy_drop
    demographic_parity_difference generalization_gap hamming_loss davies_bouldin_score 1-ssim one_minus_iou absrel
    sq_rel silog ade minADE mpjpe aic bic makespan penalty objective FrechetInceptionDistance
    KernelInceptionDistance LearnedPerceptualImagePatchSimilarity ContinuousRankedProbabilityScore WordInfoLost
    error_top1 top1_err cer_norm residual_norm fpr@95tpr fid50k hamming_loss zero_one_loss mlogloss merror
    binary_logloss multi_error tweedie-nloglik cox-nloglik BalancedErrorRate QueryCrossEntropy rmse_log cost_return
    energy_mae val_bpb wikitext/word_perplexity,none gradient_penalty disc_loss Losses/Policy_Loss
    learner_stats/policy_loss valid/nll_loss MedR equal_opportunity_difference loss_cls loss_dogs loss/dogs Loss/RPN
    1_minus_ssim 1-accuracy winkler_score top_1_error word_error_rate
    fpr_95tpr fpr95tpr fpr_negative fn/positive cm/fp/success LSD IBS interval_width prediction_interval_width
    fall_rate falls missed_detection_rate recall_gap f1_degradation iou/loss f1_loss rec_error
    mae/energy rmse_power mse/time mape_throughput
"""
HIGHER = """
    accuracy val_accuracy test_accuracy acc val/acc Accuracy/train top1 top5 top-5 top_1_accuracy acc@1
    balanced_accuracy BinaryAccuracy mean_token_accuracy exact_match em squad_em f1 f1_macro F1Score fbeta f_measure
    precision recall recall@5 recall_at_precision precision_at_recall sensitivity specificity tpr tnr
    true_positive_rate hit@10 hits@1 hit_rate auc auroc roc_auc AUC-PR aupr average_precision ap AP50 mAP mAP50
    map_50 metrics/mAP50-95(B) ndcg ndcg@10 mrr MRR iou mIoU MeanIoU mean_iou dice DiceScore jaccard pq bleu BLEU-4
    sacrebleu rouge1 rougeL rougeLsum meteor chrf cider bertscore_f1 psnr ssim ms_ssim inception_score is clip_score
    snr sdr si_sdr SI-SNRi pesq stoi mos r2 r2_score R2 explained_variance train/explained_variance d2_tweedie_score
    corr pearson pearsonr spearman_corr kendall_tau mcc matthews_corrcoef kappa cohen_kappa gini c_index reward
    episode_reward_mean rollout/ep_rew_mean charts/episodic_return AverageReturn return_max success_rate win_rate
    pass@1 pass_rate rate_of_success elbo log_likelihood mutual_information silhouette_score adjusted_rand_score
    v_measure score terror_recall maestro_score neg_mean_squared_error loss_neg neg_root_mean_squared_error
    negative_loss cosine_similarity CosineSimilarity hypervolume diversity speedup acc_norm
    losses/explained_variance DetectionBoxes_Precision/mAP@.50IOU MatthewsCorrCoef PearsonCorrCoef
    IntersectionOverUnion ScaleInvariantSignalDistortionRatio PeakSignalNoiseRatio WordInfoPreserved R@1
    correct/total fraction_correct num_correct neg_negative_likelihood_ratio neg_log_loss neg_brier_score
    piqa/acc,none arc_easy/acc_norm equalized_odds_ratio rand_score calinski_harabasz_score DunnIndex CramersV
    PFound NormalizedGini WKappa auc_mu aucpr Self-play/ELO learner_stats/vf_explained_var rewards/accuracies
    knn_purity global_alignment mar_100 coco/bbox_mAP distance_reward sample_efficiency inlier_ratio tversky_index
    goal_reached_rate
    f1/error f1/toxicity f1/positive f1/clock f1/memory f1/person f1/neg f1/negative val/f1/fault f1_score/failure
    recall_negative recall_neg recall_crash recall_error recall/miss precision_false IoU/person iou_wall_clock AP-time
    bbox/AP-clock accuracy_dogs per_class_accuracy/damage auc/second dice_background specificity_negative
    recall.error f1[error] PrecisionNegative tpr_1fpr tpr@1fpr tpr@fpr=0.01 success_weighted_path_length spl
    brier_skill_score rmse_skill_score crps_skill win_loss_ratio error_reduction collision_free_rate
    fault_detection_rate reconstruction_psnr
    profit_loss_ratio tar_1e-4far hit_rate/miss cohen_kappa/stop r2/power r2_latency
"""
NEITHER = """
    learning_rate lr lr-Adam lr/pg0 Learning_Rate losses/learning_rate epoch step global_step n_updates
    total_timesteps episodes NumberOfEpisodes EnvironmentSteps ep_len_mean rollout/ep_len_mean AverageEpisodeLength
    episodic_length seconds time runtime train_runtime elapsed eta fps time/fps charts/SPS throughput
    steps_per_second samples_per_second tokens_per_sec latency latency_p95 duration step_time_ms total_flos mfu
    memory gpu_memory_gb grad_norm gradient_norm grad_norm/layer1 gradients/dense weight_norm clip_fraction clipfrac
    clip_rate clip_ratio dropout_rate momentum weight_decay entropy policy_entropy temperature loss_scale
    loss_weight kl_coef reward_std acc_stderr num_tokens batch_size time/loss_computation gradients/loss_head
    time_to_success steps_to_threshold std threshold logits/chosen exploration_rate samples/s tokens/s it/s imgs/sec
    global_step/sec time/epoch learner_stats/entropy learner_stats/cur_kl_coeff train/num_updates train/gnorm
    train/wall gb_free eval/gen_len logps/rejected samples_seen consumed_tokens cpu_percent gpu_temp
    seconds_per_epoch max_memory_mb perf/ram_util_percent Policy/Learning_Rate noise_std sigma mask_ratio best_epoch
    bad_epochs early_stopping_counter ms_per_step iter_per_sec peak_mem acc_stderr f1_std iou/threshold
"""
GUESSED_HIGHER = "foo my_metric lossless_ratio mosaic maeander loss_accuracy error_recall negative_recall recall_drop"
GUESSED_LOWER = "loss_giou losses/dice rewards/collision wer/alice wer_alice reconstruction val/recon"


@pytest.mark.parametrize("name", LOWER.split())
def test_lower_is_better(name: str) -> None:
    assert direction_of(name) == Direction("min")


@pytest.mark.parametrize("name", HIGHER.split())
def test_higher_is_better(name: str) -> None:
    assert direction_of(name) == Direction("max")


@pytest.mark.parametrize("name", NEITHER.split())
def test_what_only_says_how_a_run_went_has_no_direction(name: str) -> None:
    assert direction_of(name) == Direction("")


@pytest.mark.parametrize("name", GUESSED_HIGHER.split())
def test_what_no_word_decides_is_guessed_to_be_better_when_high(name: str) -> None:
    assert direction_of(name) == Direction("max", is_guessed=True)
    assert direction_of(name).note == "(higher is better: guessed)"


@pytest.mark.parametrize("name", GUESSED_LOWER.split())
def test_a_word_that_is_not_the_last_one_decides_as_a_guess(name: str) -> None:
    assert direction_of(name).note == "(lower is better: guessed)"


@pytest.mark.parametrize(
    ("name", "sense"),
    [
        ("latency", "min"), ("train_runtime", "min"), ("memory_gb", "min"), ("flops", "min"), ("fps", "max"),
        ("samples_per_second", "max"), ("learning_rate", ""), ("epoch", ""), ("grad_norm", ""), ("loss", "min"),
    ],
)  # fmt: skip
def test_of_times_and_speeds_the_better_is_known_when_someone_asks_for_it(name: str, sense: str) -> None:
    assert direction_of(name, asked=True).sense == sense
    assert lower_is_better(name) is (sense == "min")


@pytest.mark.parametrize(
    "name", ["nll", "NLL", "val_nll", "test_nll", "eval/nll", "nll@step", "head_nll", "grad_norm", "foo"]
)
def test_a_user_overrules_the_words_by_name_split_or_glob(name: str) -> None:
    said = {"nll": "max", "*_nll": "max", "grad_norm": "max", "foo": "max"}
    assert direction_of(name, said) == Direction("max")
    assert direction_of("loss", said) == Direction("min")


def test_the_more_exact_of_two_words_of_a_user_decides() -> None:
    said = {"*": "min", "nll": "max", "val_nll": "min"}
    assert [direction_of(name, said).sense for name in ("val_nll", "test_nll", "accuracy")] == ["min", "max", "min"]


def test_the_best_is_where_the_direction_says() -> None:
    values = [3.0, math.nan, 1.0, 2.0]
    assert best_position("wer", values) == 2
    assert best_position("accuracy", values) == 0
    assert best_position("wer", values, {"wer": "max"}) == 0
    assert best_position("grad_norm", values) is None
    assert best_position("latency", values) is None
    assert best_position("latency", values, asked=True) == 2
    assert best_position("wer", [math.nan]) is None


def test_a_summary_has_no_best_of_what_has_no_direction() -> None:
    summary = summarize({"loss": [2.0, 1.0], "grad_norm": [3.0, 4.0]}, [1, 2])
    assert summary["loss"] == {"best": 1.0, "best_epoch": 2, "last": 1.0}
    assert math.isnan(summary["grad_norm"]["best"])
    assert summary["grad_norm"]["last"] == 4.0


@pytest.mark.parametrize(
    ("name", "written"), [("nll", 'nll = "min"'), ("a/b c", '"a/b c" = "min"'), ("loss@step", '"loss@step" = "min"')]
)
def test_the_hint_to_declare_a_direction_can_be_copied_into_the_file(name: str, written: str) -> None:
    assert f"`{written}` under [direction]" in how_to_declare(name)
    (said,) = tomllib.loads(written).items()
    assert direction_of(name, dict([said])) == Direction("min")


@given(st.text(), st.sampled_from(["", "val_", "eval/", "train."]))
def test_any_name_has_a_direction_or_none(name: str, split: str) -> None:
    direction = direction_of(split + name)
    assert direction.sense in ("min", "max", "")
    assert not (direction.is_guessed and not direction.sense)


@pytest.mark.parametrize("name", ["loss", "accuracy", "wer", "fps", "quux", "neg_log_loss", "kl_coef", "loss@step"])
@pytest.mark.parametrize(
    "form", ["val_{}", "test_{}", "eval/{}", "val/{}", "{}/train", "{}_val", "validation {}", "dev.{}"]
)
def test_a_split_around_a_name_does_not_change_its_direction(name: str, form: str) -> None:
    assert direction_of(form.format(name)) == direction_of(name)
