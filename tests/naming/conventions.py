"""How public training code names runs and tags, each convention with its repository and file and the right names.

The answers were decided from the tags alone, before any code that finds them. A row is the directory of the event file
below the log directory, the tag, the number of points, the canonical name and, where it is not the directory itself,
the logical run.
"""

from typing import NamedTuple

STEPS = 200  # a series written every few steps
EPOCHS = 10  # a series written once an epoch, or at each evaluation
ONCE = 1  # a summary written at the end


class Convention(NamedTuple):
    """The series that one public program writes, and the run and name each one has."""

    source: str  # owner/repository path/of/file
    series: list[tuple[str, str, int]]  # directory, tag, points
    answers: dict[str, tuple[str, str]]  # "directory/tag" -> (logical run, canonical name)


def _of(source: str, *rows: tuple[str, str, int, str] | tuple[str, str, int, str, str]) -> Convention:
    answers = {f"{row[0]}/{row[1]}": (row[4] if len(row) == 5 else row[0], row[3]) for row in rows}
    return Convention(source, [row[:3] for row in rows], answers)


# One directory, and tags that name their split.
SPLIT_IN_THE_TAG = [
    _of(
        "ichigo-xin/PyTorch-learning ch_15.py",  # test is validation's role: there is no validation split
        (".", "Loss/train", STEPS, "loss"),
        (".", "Loss/test", STEPS, "val_loss"),
        (".", "Accuracy/train", STEPS, "accuracy"),
        (".", "Accuracy/test", STEPS, "val_accuracy"),
    ),
    _of(
        "ultralytics/yolov5 utils/loggers/__init__.py",
        (".", "train/box_loss", EPOCHS, "box_loss"),
        (".", "train/obj_loss", EPOCHS, "obj_loss"),
        (".", "val/box_loss", EPOCHS, "val_box_loss"),
        (".", "val/obj_loss", EPOCHS, "val_obj_loss"),
        (".", "metrics/precision", EPOCHS, "precision"),
        (".", "metrics/mAP_0.5", EPOCHS, "mAP_0.5"),
        (".", "metrics/mAP_0.5:0.95", EPOCHS, "mAP_0.5:0.95"),
        (".", "x/lr0", EPOCHS, "x/lr0"),
        (".", "x/lr1", EPOCHS, "x/lr1"),
        (".", "x/lr2", EPOCHS, "x/lr2"),
    ),
    _of(
        "NVIDIA/tacotron2 logger.py",
        (".", "training.loss", STEPS, "loss"),
        (".", "validation.loss", EPOCHS, "val_loss"),
        (".", "grad.norm", STEPS, "grad.norm"),
        (".", "learning.rate", STEPS, "learning_rate"),
        (".", "duration", STEPS, "duration"),
    ),
    _of(
        "r9y9/wavenet_vocoder train.py",
        ("run-test2018-06-01_12:00:00", "train loss", STEPS, "loss@step"),
        ("run-test2018-06-01_12:00:00", "train loss (per epoch)", EPOCHS, "loss"),
        ("run-test2018-06-01_12:00:00", "test loss", STEPS, "val_loss@step"),
        ("run-test2018-06-01_12:00:00", "test loss (per epoch)", EPOCHS, "val_loss"),
        ("run-test2018-06-01_12:00:00", "gradient norm", STEPS, "gradient norm"),
        ("run-test2018-06-01_12:00:00", "learning rate", STEPS, "learning_rate"),
    ),
    _of(
        "jfzhang95/pytorch-deeplab-xception train.py",
        (".", "train/total_loss_iter", STEPS, "total_loss@step"),
        (".", "train/total_loss_epoch", EPOCHS, "total_loss"),
        (".", "val/total_loss_epoch", EPOCHS, "val_total_loss"),
        (".", "val/mIoU", EPOCHS, "val_mIoU"),
        (".", "val/Acc", EPOCHS, "val_acc"),
        (".", "val/Acc_class", EPOCHS, "val_Acc_class"),
        (".", "val/fwIoU", EPOCHS, "val_fwIoU"),
    ),
    _of(
        "CompVis/latent-diffusion ldm/models/diffusion/ddpm.py",
        (".", "train/loss_simple_step", STEPS, "loss_simple@step"),
        (".", "train/loss_simple_epoch", EPOCHS, "loss_simple"),
        (".", "val/loss_simple", EPOCHS, "val_loss_simple"),
        (".", "val/loss_simple_ema", EPOCHS, "val_loss_simple_ema"),
        (".", "global_step", STEPS, "global_step"),
    ),
    _of(
        "kwea123/nerf_pl train.py",
        (".", "lr", STEPS, "learning_rate"),
        (".", "train/loss", STEPS, "loss"),
        (".", "train/psnr", STEPS, "psnr"),
        (".", "val/loss", EPOCHS, "val_loss"),
        (".", "val/psnr", EPOCHS, "val_psnr"),
    ),
    _of(
        "weiaicunzai/pytorch-cifar100 train.py",
        ("vgg16/Monday_06_July_2020_12h_01m_55s", "Train/loss", STEPS, "loss"),
        ("vgg16/Monday_06_July_2020_12h_01m_55s", "Train/CE_loss", STEPS, "CE_loss"),
        ("vgg16/Monday_06_July_2020_12h_01m_55s", "Test/Average loss", EPOCHS, "val_Average loss"),
        ("vgg16/Monday_06_July_2020_12h_01m_55s", "Test/Accuracy", EPOCHS, "val_accuracy"),
        (
            "vgg16/Monday_06_July_2020_12h_01m_55s",
            "LastLayerGradients/grad_norm2_weights",
            STEPS,
            "LastLayerGradients/grad_norm2_weights",
        ),
    ),
    _of(
        "victoresque/pytorch-template logger/visualization.py",  # a run named by a time, without hparams, is a run
        ("Mnist_LeNet/190214123456", "train/loss", STEPS, "loss"),
        ("Mnist_LeNet/190214123456", "valid/loss", STEPS, "val_loss"),
        ("Mnist_LeNet/190214123456", "train/my_metric", STEPS, "my_metric"),
        ("Mnist_LeNet/190214123456", "valid/my_metric", STEPS, "val_my_metric"),
    ),
    _of(
        "eriklindernoren/PyTorch-YOLOv3 pytorchyolo/train.py",
        (".", "train/learning_rate", STEPS, "learning_rate"),
        (".", "train/loss", STEPS, "loss"),
        (".", "train/iou_loss", STEPS, "iou_loss"),
        (".", "validation/precision", EPOCHS, "val_precision"),
        (".", "validation/mAP", EPOCHS, "val_mAP"),
        (".", "validation/f1", EPOCHS, "val_f1"),
    ),
    _of(
        "kan-bayashi/ParallelWaveGAN parallel_wavegan/bin/train.py",
        (".", "train/generator_loss", STEPS, "generator_loss"),
        (".", "train/discriminator_loss", STEPS, "discriminator_loss"),
        (".", "eval/generator_loss", EPOCHS, "val_generator_loss"),
        (".", "eval/discriminator_loss", EPOCHS, "val_discriminator_loss"),
    ),
    _of(
        "facebookresearch/SlowFast tools/train_net.py",
        (".", "Train/loss", STEPS, "loss"),
        (".", "Train/lr", STEPS, "learning_rate"),
        (".", "Train/Top1_err", STEPS, "Top1_err"),
        (".", "Val/Top1_err", STEPS, "val_Top1_err"),
    ),
    _of(
        "google-research/vision_transformer vit_jax/train.py",
        (".", "train_loss", STEPS, "loss"),
        (".", "accuracy_test", EPOCHS, "val_accuracy"),
        (".", "lr", EPOCHS, "learning_rate"),
        (".", "img_sec_core_train", STEPS, "img_sec_core"),
        (".", "img_sec_core_test", EPOCHS, "val_img_sec_core"),
    ),
    _of(
        "facebookresearch/mae main_finetune.py",
        (".", "loss", STEPS, "loss"),
        (".", "lr", STEPS, "learning_rate"),
        (".", "perf/test_acc1", EPOCHS, "val_acc1"),
        (".", "perf/test_acc5", EPOCHS, "val_acc5"),
        (".", "perf/test_loss", EPOCHS, "val_loss"),
    ),
    _of(
        "microsoft/unilm beit/engine_for_finetuning.py",
        (".", "loss/loss", STEPS, "loss"),
        (".", "loss/class_acc", STEPS, "class_acc"),
        (".", "opt/lr", STEPS, "opt/lr"),  # two rates: neither is the one
        (".", "opt/min_lr", STEPS, "opt/min_lr"),
        (".", "opt/weight_decay", STEPS, "opt/weight_decay"),
        (".", "opt/grad_norm", STEPS, "opt/grad_norm"),
        (".", "perf/test_acc1", EPOCHS, "val_acc1"),
        (".", "perf/test_loss", EPOCHS, "val_loss"),
    ),
    _of(
        "open-mmlab/mmcv mmcv/runner/hooks/logger/base.py",
        (".", "train/loss", STEPS, "loss"),
        (".", "train/loss_cls", STEPS, "loss_cls"),
        (".", "val/bbox_mAP", EPOCHS, "val_bbox_mAP"),
        (".", "learning_rate", STEPS, "learning_rate"),
        (".", "momentum", STEPS, "momentum"),
    ),
    _of(
        "speechbrain/speechbrain speechbrain/utils/train_logger.py",
        (".", "epoch", EPOCHS, "epoch"),
        (".", "lr", EPOCHS, "learning_rate"),
        (".", "loss/train", EPOCHS, "loss"),
        (".", "loss/valid", EPOCHS, "val_loss"),
        (".", "loss/test", ONCE, "test_loss"),
        (".", "error/valid", EPOCHS, "val_error"),
        (".", "error/test", ONCE, "test_error"),
    ),
    _of(
        "facebookresearch/ParlAI parlai/core/logs.py",
        (".", "loss/train", STEPS, "loss"),
        (".", "loss/valid", EPOCHS, "val_loss"),
        (".", "ppl/train", STEPS, "ppl"),
        (".", "ppl/valid", EPOCHS, "val_ppl"),
        (".", "ppl/test", ONCE, "test_ppl"),
        (".", "lr/train", STEPS, "learning_rate"),
        (".", "token_acc/valid", EPOCHS, "val_token_acc"),
    ),
    _of(
        "Project-MONAI/MONAI monai/handlers/tensorboard_handlers.py",
        (".", "Loss", STEPS, "loss"),
        (".", "train_acc", EPOCHS, "acc"),
        (".", "val_acc", EPOCHS, "val_acc"),
        (".", "val_mean_dice", EPOCHS, "val_mean_dice"),
    ),
    _of(
        "fastai/fastai fastai/callback/tensorboard.py",
        (".", "train_loss", STEPS, "loss"),
        (".", "valid_loss", EPOCHS, "val_loss"),
        (".", "accuracy", EPOCHS, "accuracy"),
        (".", "lr_0", STEPS, "lr_0"),
        (".", "lr_1", STEPS, "lr_1"),
        (".", "mom_0", STEPS, "mom_0"),
        (".", "mom_1", STEPS, "mom_1"),
    ),
    _of(
        "huggingface/accelerate examples/by_feature/tracking.py",
        (".", "accuracy", EPOCHS, "accuracy"),
        (".", "f1", EPOCHS, "f1"),
        (".", "train_loss", EPOCHS, "loss"),
        (".", "epoch", EPOCHS, "epoch"),
    ),
    _of(
        "huggingface/transformers src/transformers/integrations.py",
        (".", "train/loss", STEPS, "loss"),
        (".", "train/learning_rate", STEPS, "learning_rate"),
        (".", "train/epoch", STEPS, "epoch"),
        (".", "train/total_flos", ONCE, "total_flos"),
        (".", "eval/loss", EPOCHS, "val_loss"),
        (".", "eval/accuracy", EPOCHS, "val_accuracy"),
        (".", "eval/runtime", EPOCHS, "val_runtime"),
        (".", "eval/samples_per_second", EPOCHS, "val_samples_per_second"),
    ),
    _of(
        "huggingface/transformers src/transformers/trainer.py",  # what it adds at the end is no curve
        (".", "train/loss", STEPS, "loss"),
        (".", "eval/loss", EPOCHS, "val_loss"),
        (".", "train/train_loss", ONCE, "train/train_loss"),
        (".", "train/train_runtime", ONCE, "train_runtime"),
        (".", "train/train_samples_per_second", ONCE, "train_samples_per_second"),
        (".", "train/train_steps_per_second", ONCE, "train_steps_per_second"),
    ),
    _of(
        "keras-team/keras keras/callbacks.py",  # Keras 1 and 2.2
        (".", "loss", EPOCHS, "loss"),
        (".", "val_loss", EPOCHS, "val_loss"),
        (".", "acc", EPOCHS, "acc"),
        (".", "val_acc", EPOCHS, "val_acc"),
        (".", "lr", EPOCHS, "learning_rate"),
    ),
    _of(
        "yassouali/pytorch-segmentation trainer.py",
        (".", "train/loss", STEPS, "loss"),
        (".", "val/loss", EPOCHS, "val_loss"),
        (".", "train/Pixel_Accuracy", EPOCHS, "Pixel_Accuracy"),
        (".", "val/Mean_IoU", EPOCHS, "val_Mean_IoU"),
        (".", "train/Learning_rate_0", EPOCHS, "Learning_rate_0"),
        (".", "train/Learning_rate_1", EPOCHS, "Learning_rate_1"),
    ),
    _of(
        "sthalles/SimCLR simclr.py",
        (".", "loss", STEPS, "loss"),
        (".", "acc/top1", STEPS, "acc/top1"),
        (".", "acc/top5", STEPS, "acc/top5"),
        (".", "learning_rate", STEPS, "learning_rate"),
    ),
    _of(
        "facebookresearch/detectron2 detectron2/engine/train_loop.py",
        (".", "total_loss", STEPS, "total_loss"),
        (".", "data_time", STEPS, "data_time"),
        (".", "lr", STEPS, "learning_rate"),
        (".", "bbox/AP", EPOCHS, "bbox/AP"),
        (".", "bbox/AP-person", EPOCHS, "bbox/AP-person"),
        (".", "bbox/AP-train", EPOCHS, "bbox/AP-train"),  # a class of COCO
        (".", "segm/AP", EPOCHS, "segm/AP"),
    ),
    _of(
        "Megvii-BaseDetection/YOLOX yolox/core/trainer.py",  # nothing but validation
        ("yolox_s/tensorboard", "val/COCOAP50", EPOCHS, "val_COCOAP50"),
        ("yolox_s/tensorboard", "val/COCOAP50_95", EPOCHS, "val_COCOAP50_95"),
    ),
    _of(
        "jik876/hifi-gan train.py",
        ("logs", "training/gen_loss_total", STEPS, "gen_loss_total"),
        ("logs", "training/mel_spec_error", STEPS, "mel_spec_error"),
        ("logs", "validation/mel_spec_error", EPOCHS, "val_mel_spec_error"),
    ),
]

# Words that name two splits, or a split and something else.
TWICE_OR_IN_THE_MIDDLE = [
    _of(
        "k2-fsa/icefall egs/librispeech/ASR/pruned_transducer_stateless7/train.py",  # the inner word decides
        (".", "train/learning_rate", STEPS, "learning_rate"),
        (".", "train/current_loss", STEPS, "current_loss"),
        (".", "train/tot_loss", STEPS, "tot_loss"),
        (".", "train/valid_loss", EPOCHS, "val_loss"),
        (".", "train/epoch", EPOCHS, "epoch"),
    ),
    _of(
        "harbecke/HexHex hex/training/train.py",
        (".", "train/train_loss", EPOCHS, "loss"),
        (".", "train/val_loss", EPOCHS, "val_loss"),
        (".", "train/puzzle_loss", STEPS, "puzzle_loss"),
        (".", "train/l2_weights", STEPS, "l2_weights"),
    ),
    _of(
        "flairNLP/flair flair/trainers/trainer.py",
        (".", "train/batch_loss", STEPS, "loss@step"),
        (".", "train/loss", EPOCHS, "loss"),
        (".", "dev/loss", EPOCHS, "val_loss"),
        (".", "dev/score", EPOCHS, "val_score"),
        (".", "learning_rate", STEPS, "learning_rate"),
    ),
    _of(
        "coqui-ai/Trainer trainer/logging/base_dash_logger.py",
        (".", "TrainIterStats/loss", STEPS, "loss"),
        (".", "TrainEpochStats/avg_loss", EPOCHS, "avg_loss"),
        (".", "EvalStats/avg_loss", EPOCHS, "val_avg_loss"),
    ),
    _of(
        "wenet-e2e/wenet wenet/utils/train_utils.py",  # cv is cross validation
        (".", "train_loss", STEPS, "loss"),
        (".", "epoch/cv_loss", EPOCHS, "val_loss"),
        (".", "epoch/lr", EPOCHS, "learning_rate"),
    ),
    _of(
        "NVIDIA/Megatron-LM megatron/training.py",
        (".", "lm loss", STEPS, "lm loss"),
        (".", "lm loss vs samples", STEPS, "lm loss vs samples"),
        (".", "lm loss validation", EPOCHS, "val_lm loss"),
        (".", "lm loss validation vs samples", EPOCHS, "val_lm loss vs samples"),
        (".", "learning-rate", STEPS, "learning-rate"),
        (".", "learning-rate vs samples", STEPS, "learning-rate vs samples"),
        (".", "grad-norm", STEPS, "grad-norm"),
        (".", "batch-size", STEPS, "batch-size"),
    ),
    _of(
        "microsoft/DeepSpeed deepspeed/runtime/engine.py",  # Samples is the x axis
        (".", "Train/Samples/train_loss", STEPS, "loss"),
        (".", "Train/Samples/lr", STEPS, "learning_rate"),
    ),
    _of(
        "open-mmlab/mmsegmentation mmseg/datasets/custom.py",  # train is a class of Cityscapes
        (".", "train/decode.loss_ce", STEPS, "decode.loss_ce"),
        (".", "val/mIoU", EPOCHS, "val_mIoU"),
        (".", "val/IoU.road", EPOCHS, "val_IoU.road"),
        (".", "val/IoU.car", EPOCHS, "val_IoU.car"),
        (".", "val/IoU.train", EPOCHS, "val_IoU.train"),
    ),
    _of(
        "freqtrade/freqtrade freqtrade/freqai/tensorboard/tensorboard.py",  # two validation sets of one metric
        ("tensorboard", "validation_0-rmse", STEPS, "validation_0-rmse"),
        ("tensorboard", "validation_1-rmse", STEPS, "validation_1-rmse"),
    ),
]

# Reinforcement learning: groups, clocks, rewards.
REWARDS = [
    _of(
        "DLR-RM/stable-baselines3 stable_baselines3/ppo/ppo.py",
        ("PPO_1", "train/loss", STEPS, "loss"),
        ("PPO_1", "train/value_loss", STEPS, "value_loss"),
        ("PPO_1", "train/std", STEPS, "std"),
        ("PPO_1", "train/learning_rate", STEPS, "learning_rate"),
        ("PPO_1", "rollout/ep_rew_mean", STEPS, "ep_rew_mean"),
        ("PPO_1", "time/fps", STEPS, "fps"),
        ("PPO_1", "eval/mean_reward", EPOCHS, "val_mean_reward"),
        ("PPO_2", "train/loss", STEPS, "loss"),
        ("PPO_2", "rollout/ep_rew_mean", STEPS, "ep_rew_mean"),
    ),
    _of(
        "vwxyzjn/cleanrl cleanrl/ppo.py",
        ("CartPole-v1__ppo__1__1700000000", "charts/episodic_return", STEPS, "episodic_return"),
        ("CartPole-v1__ppo__1__1700000000", "charts/episodic_length", STEPS, "episodic_length"),
        ("CartPole-v1__ppo__1__1700000000", "charts/SPS", STEPS, "SPS"),
        ("CartPole-v1__ppo__1__1700000000", "charts/learning_rate", STEPS, "learning_rate"),
        ("CartPole-v1__ppo__1__1700000000", "losses/value_loss", STEPS, "value_loss"),
        ("CartPole-v1__ppo__1__1700000000", "losses/entropy", STEPS, "entropy"),
        ("CartPole-v1__ppo__1__1700000000", "losses/approx_kl", STEPS, "approx_kl"),
        ("CartPole-v1__ppo__1__1700000000", "losses/clipfrac", STEPS, "clipfrac"),
    ),
    _of(
        "ray-project/ray python/ray/tune/logger/tensorboardx.py",  # every tag begins with ray/tune
        ("PPO_CartPole-v1_00000", "ray/tune/episode_reward_mean", STEPS, "episode_reward_mean"),
        ("PPO_CartPole-v1_00000", "ray/tune/evaluation/episode_reward_mean", EPOCHS, "val_episode_reward_mean"),
        ("PPO_CartPole-v1_00000", "ray/tune/iterations_since_restore", STEPS, "iterations_since_restore"),
        ("PPO_CartPole-v1_00000", "ray/tune/timers/learn_time_ms", STEPS, "timers/learn_time_ms"),
        (
            "PPO_CartPole-v1_00000",
            "ray/tune/timers/training_iteration_time_ms",
            STEPS,
            "timers/training_iteration_time_ms",
        ),
    ),
    _of(
        "google/dopamine dopamine/discrete_domains/run_experiment.py",
        (".", "Train/NumEpisodes", EPOCHS, "NumEpisodes"),
        (".", "Train/AverageReturns", EPOCHS, "AverageReturns"),
        (".", "Train/AverageStepsPerSecond", EPOCHS, "AverageStepsPerSecond"),
        (".", "Eval/NumEpisodes", EPOCHS, "val_NumEpisodes"),
        (".", "Eval/AverageReturns", EPOCHS, "val_AverageReturns"),
    ),
    _of(
        "tensorflow/agents tf_agents/metrics/tf_metric.py",
        ("train", "Metrics/AverageReturn", STEPS, "AverageReturn", "."),
        (
            "train",
            "Metrics_vs_EnvironmentSteps/AverageReturn",
            STEPS,
            "Metrics_vs_EnvironmentSteps/AverageReturn",
            ".",
        ),
        ("train", "Losses/loss", STEPS, "loss", "."),
        ("eval", "Metrics/AverageReturn", EPOCHS, "val_AverageReturn", "."),
    ),
    _of(
        "thu-ml/tianshou tianshou/utils/logger/base.py",
        (".", "train/returns_stat/mean", STEPS, "returns_stat/mean"),
        (".", "test/returns_stat/mean", EPOCHS, "val_returns_stat/mean"),
        (".", "update/loss/mean", STEPS, "update/loss/mean"),
    ),
    _of(
        "leggedrobotics/rsl_rl rsl_rl/runners/on_policy_runner.py",
        (".", "Loss/surrogate", STEPS, "Loss/surrogate"),  # nothing else says that it is a loss
        (".", "Loss/learning_rate", STEPS, "learning_rate"),
        (".", "Policy/mean_noise_std", STEPS, "Policy/mean_noise_std"),
        (".", "Perf/total_fps", STEPS, "total_fps"),
        (".", "Perf/collection time", STEPS, "collection time"),
        (".", "Perf/learning_time", STEPS, "learning_time"),
        (".", "Train/mean_reward", STEPS, "mean_reward"),
        (".", "Train/mean_reward/time", STEPS, "mean_reward/time"),
        (".", "Train/mean_episode_length", STEPS, "mean_episode_length"),
    ),
    _of(
        "Denys88/rl_games rl_games/common/a2c_common.py",  # one quantity over three clocks
        ("Ant/summaries", "losses/a_loss", STEPS, "a_loss"),
        ("Ant/summaries", "losses/c_loss", STEPS, "c_loss"),
        ("Ant/summaries", "losses/entropy", STEPS, "entropy"),
        ("Ant/summaries", "rewards/step", STEPS, "rewards/step"),
        ("Ant/summaries", "rewards/iter", STEPS, "rewards/iter"),
        ("Ant/summaries", "rewards/time", STEPS, "rewards/time"),
    ),
    _of(
        "Unity-Technologies/ml-agents ml-agents/mlagents/trainers/ppo/optimizer_torch.py",
        ("ppo/3DBall", "Environment/Cumulative Reward", STEPS, "Environment/Cumulative Reward"),
        ("ppo/3DBall", "Losses/Policy Loss", STEPS, "Policy Loss"),
        ("ppo/3DBall", "Losses/Value Loss", STEPS, "Value Loss"),
        ("ppo/3DBall", "Policy/Learning Rate", STEPS, "learning_rate"),
        ("ppo/3DBall", "Policy/Epsilon", STEPS, "Policy/Epsilon"),
    ),
    _of(
        "ikostrikov/jaxrl examples/train.py",
        ("Hopper-v2__sac__42", "training/return", STEPS, "return"),
        ("Hopper-v2__sac__42", "training/length", STEPS, "length"),
        ("Hopper-v2__sac__42", "evaluation/average_returns", EPOCHS, "val_average_returns"),
    ),
    _of(
        "facebookresearch/habitat-lab habitat_baselines/rl/ppo/ppo_trainer.py",
        (".", "reward", STEPS, "reward"),
        (".", "metrics/success", STEPS, "success"),
        (".", "metrics/fps", STEPS, "fps"),
        (".", "eval_reward/average_reward", EPOCHS, "val_reward/average_reward"),
        (".", "eval_metrics/success", EPOCHS, "val_success"),
    ),
    _of(
        "SigmaBM/neurips2020-flatland-starter-kit reinforcement_learning/multi_agent_training.py",  # timers, not splits
        (".", "training/score", STEPS, "score"),
        (".", "training/loss", STEPS, "loss"),
        (".", "training/buffer_size", STEPS, "buffer_size"),
        (".", "evaluation/scores_mean", EPOCHS, "val_scores_mean"),
        (".", "actions/stop", STEPS, "actions/stop"),
        (".", "timer/learn", STEPS, "timer/learn"),
        (".", "timer/step", STEPS, "timer/step"),
        (".", "timer/reset", STEPS, "timer/reset"),
    ),
]

# Networks against each other: names that end alike stay whole.
RIVALS = [
    _of(
        "yunjey/stargan solver.py",
        (".", "D/loss_real", STEPS, "D/loss_real"),
        (".", "D/loss_fake", STEPS, "D/loss_fake"),
        (".", "D/loss_cls", STEPS, "D/loss_cls"),
        (".", "G/loss_fake", STEPS, "G/loss_fake"),
        (".", "G/loss_cls", STEPS, "G/loss_cls"),
        (".", "G/loss_rec", STEPS, "G/loss_rec"),
    ),
    _of(
        "denisyarats/drq drq.py",
        (".", "train/batch_reward", STEPS, "batch_reward"),
        (".", "train_critic/loss", STEPS, "critic/loss"),
        (".", "train_actor/loss", STEPS, "actor/loss"),
        (".", "train_actor/entropy", STEPS, "actor/entropy"),
        (".", "train_alpha/loss", STEPS, "alpha/loss"),
        (".", "eval/episode_reward", EPOCHS, "val_episode_reward"),
    ),
    _of(
        "jaywalnut310/vits train.py",  # without its group no word says that it is a loss
        (".", "loss/g/total", STEPS, "loss/g/total"),
        (".", "loss/d/total", STEPS, "loss/d/total"),
        (".", "loss/g/mel", STEPS, "loss/g/mel"),
        (".", "learning_rate", STEPS, "learning_rate"),
        (".", "grad_norm_d", STEPS, "grad_norm_d"),
        (".", "grad_norm_g", STEPS, "grad_norm_g"),
    ),
    _of(
        "pranz24/pytorch-soft-actor-critic main.py",
        (".", "loss/value", STEPS, "loss/value"),
        (".", "loss/critic_1", STEPS, "loss/critic_1"),
        (".", "loss/critic_2", STEPS, "loss/critic_2"),
        (".", "loss/policy", STEPS, "loss/policy"),
        (".", "reward/train", STEPS, "reward"),
    ),
    _of(
        "NVlabs/stylegan2-ada-pytorch training/training_loop.py",
        (".", "Loss/G/loss", STEPS, "G/loss"),
        (".", "Loss/D/loss", STEPS, "D/loss"),
        (".", "Progress/kimg", STEPS, "kimg"),
        (".", "Resources/cpu_mem_gb", STEPS, "Resources/cpu_mem_gb"),
        (".", "Metrics/fid50k_full", EPOCHS, "fid50k_full"),
    ),
    _of(
        "Zhonglijieci/RFA-Tex constants.py",
        (".", "loss/total_loss", STEPS, "total_loss"),
        (".", "loss/ob_loss_1", STEPS, "ob_loss_1"),
        (".", "loss/tv_loss", STEPS, "tv_loss"),
        (".", "misc/learning_rate", STEPS, "learning_rate"),
    ),
    _of(
        "kenjinp/terrain-synth model/common/telemetry.py",
        (".", "Loss Critic", STEPS, "Loss Critic"),
        (".", "Loss GEN", STEPS, "Loss GEN"),
    ),
]

# Directories that are splits of one run.
SPLIT_DIRECTORIES = [
    _of(
        "tensorflow/tensorboard docs/get_started.ipynb",  # fit is the name of a directory of runs here
        ("fit/20200116-120000/train", "epoch_loss", EPOCHS, "loss", "fit/20200116-120000"),
        ("fit/20200116-120000/train", "epoch_accuracy", EPOCHS, "accuracy", "fit/20200116-120000"),
        ("fit/20200116-120000/validation", "epoch_loss", EPOCHS, "val_loss", "fit/20200116-120000"),
        ("fit/20200116-120000/validation", "epoch_accuracy", EPOCHS, "val_accuracy", "fit/20200116-120000"),
        ("gradient_tape/20200116-120500/train", "loss", EPOCHS, "loss", "gradient_tape/20200116-120500"),
        ("gradient_tape/20200116-120500/train", "accuracy", EPOCHS, "accuracy", "gradient_tape/20200116-120500"),
        ("gradient_tape/20200116-120500/test", "loss", EPOCHS, "val_loss", "gradient_tape/20200116-120500"),
        ("gradient_tape/20200116-120500/test", "accuracy", EPOCHS, "val_accuracy", "gradient_tape/20200116-120500"),
    ),
    _of(
        "ww1026753951/pytest tensor_flow/keras/keras_test.py",  # an experiment called test2, trained without validation
        ("test2/train", "epoch_loss", EPOCHS, "loss", "test2"),
        ("test2/train", "epoch_accuracy", EPOCHS, "accuracy", "test2"),
    ),
    _of(
        "keras-team/keras-tuner keras_tuner/engine/tuner.py",
        ("00/execution0/train", "epoch_loss", EPOCHS, "loss", "00/execution0"),
        ("00/execution0/validation", "epoch_loss", EPOCHS, "val_loss", "00/execution0"),
        ("01/execution0/train", "epoch_loss", EPOCHS, "loss", "01/execution0"),
        ("01/execution0/validation", "epoch_loss", EPOCHS, "val_loss", "01/execution0"),
    ),
    _of(
        "pyg-team/pytorch_geometric torch_geometric/graphgym/logger.py",  # with a validation split, test is test
        ("0/train", "loss", EPOCHS, "loss", "0"),
        ("0/train", "accuracy", EPOCHS, "accuracy", "0"),
        ("0/val", "loss", EPOCHS, "val_loss", "0"),
        ("0/val", "accuracy", EPOCHS, "val_accuracy", "0"),
        ("0/test", "loss", EPOCHS, "test_loss", "0"),
        ("0/test", "accuracy", EPOCHS, "test_accuracy", "0"),
        ("1/train", "loss", EPOCHS, "loss", "1"),
        ("1/val", "loss", EPOCHS, "val_loss", "1"),
        ("1/test", "loss", EPOCHS, "test_loss", "1"),
    ),
    _of(
        "catalyst-team/catalyst catalyst/loggers/tensorboard.py",
        ("train", "loss/batch", STEPS, "loss@step", "."),
        ("train", "loss/epoch", EPOCHS, "loss", "."),
        ("train", "accuracy01/batch", STEPS, "accuracy01@step", "."),
        ("train", "accuracy01/epoch", EPOCHS, "accuracy01", "."),
        ("valid", "loss/batch", STEPS, "val_loss@step", "."),
        ("valid", "loss/epoch", EPOCHS, "val_loss", "."),
        ("valid", "accuracy01/batch", STEPS, "val_accuracy01@step", "."),
        ("valid", "accuracy01/epoch", EPOCHS, "val_accuracy01", "."),
    ),
    _of(
        "facebookresearch/fairseq fairseq/logging/progress_bar.py",  # train at the end of an epoch, train_inner within
        ("train", "loss", EPOCHS, "loss", "."),
        ("train", "ppl", EPOCHS, "ppl", "."),
        ("train_inner", "loss", STEPS, "loss@step", "."),
        ("train_inner", "ppl", STEPS, "ppl@step", "."),
        ("valid", "loss", EPOCHS, "val_loss", "."),
        ("valid", "ppl", EPOCHS, "val_ppl", "."),
        ("valid", "best_loss", EPOCHS, "val_best_loss", "."),
    ),
    _of(
        "mozilla/DeepSpeech training/deepspeech_training/train.py",
        ("train", "step_loss", STEPS, "loss", "."),
        ("dev", "step_loss", STEPS, "val_loss", "."),
    ),
    _of(
        "tensorflow/models research/object_detection/model_lib_v2.py",
        ("train", "Loss/total_loss", STEPS, "total_loss", "."),
        ("train", "Loss/classification_loss", STEPS, "classification_loss", "."),
        ("train", "learning_rate", STEPS, "learning_rate", "."),
        ("train", "steps_per_sec", STEPS, "steps_per_sec", "."),
        ("eval", "Loss/total_loss", EPOCHS, "val_total_loss", "."),
        ("eval", "DetectionBoxes_Precision/mAP", EPOCHS, "val_DetectionBoxes_Precision/mAP", "."),
        ("eval", "DetectionBoxes_Precision/mAP (large)", EPOCHS, "val_DetectionBoxes_Precision/mAP (large)", "."),
    ),
    _of(
        "google/trax trax/supervised/training.py",  # a directory and a tag that say the same
        ("train", "metrics/CrossEntropyLoss", STEPS, "CrossEntropyLoss", "."),
        ("train", "training/learning_rate", STEPS, "learning_rate", "."),
        ("train", "training/gradients_l2", STEPS, "gradients_l2", "."),
        ("eval", "metrics/CrossEntropyLoss", EPOCHS, "val_CrossEntropyLoss", "."),
    ),
]

# What add_scalars writes: torch joins with _, tensorboardX with /.
ADD_SCALARS = [
    _of(
        "VaheC/Pytorch_Study model_training/v5.py",
        ("simple_linear_regression/loss_training", "loss", EPOCHS, "loss", "simple_linear_regression"),
        ("simple_linear_regression/loss_validation", "loss", EPOCHS, "val_loss", "simple_linear_regression"),
    ),
    _of(
        "zylo117/Yet-Another-EfficientDet-Pytorch train.py",
        ("20200401-120000/Loss/train", "Loss", STEPS, "loss", "20200401-120000"),
        ("20200401-120000/Regression_loss/train", "Regression_loss", STEPS, "Regression_loss", "20200401-120000"),
        ("20200401-120000/Regression_loss/val", "Regression_loss", EPOCHS, "val_Regression_loss", "20200401-120000"),
        ("20200401-120000/Total_loss/val", "Total_loss", EPOCHS, "val_Total_loss", "20200401-120000"),
        ("20200401-120000", "learning_rate", STEPS, "learning_rate"),
    ),
    _of(
        "juhongm999/hsnet train.py",  # the key repeats the metric
        ("tbd/runs/data/loss/trn_loss", "data/loss", EPOCHS, "loss", "tbd/runs"),
        ("tbd/runs/data/loss/val_loss", "data/loss", EPOCHS, "val_loss", "tbd/runs"),
        ("tbd/runs/data/miou/trn_miou", "data/miou", EPOCHS, "miou", "tbd/runs"),
        ("tbd/runs/data/miou/val_miou", "data/miou", EPOCHS, "val_miou", "tbd/runs"),
    ),
    _of(
        "pytorch/tutorials beginner_source/introyt/trainingyt.py",  # a title that names both splits names none
        (".", "Loss/train", STEPS, "loss"),
        (
            "Training vs. Validation Loss_Training",
            "Training vs. Validation Loss",
            EPOCHS,
            "Training vs. Validation Loss",
            ".",
        ),
        (
            "Training vs. Validation Loss_Validation",
            "Training vs. Validation Loss",
            EPOCHS,
            "val_Training vs. Validation Loss",
            ".",
        ),
    ),
    _of(
        "lanpa/tensorboardX examples/demo.py",  # keys that are no splits
        (".", "data/scalar_systemtime", STEPS, "data/scalar_systemtime"),
        ("data/scalar_group/xsinx", "data/scalar_group", STEPS, "data/scalar_group/xsinx", "."),
        ("data/scalar_group/xcosx", "data/scalar_group", STEPS, "data/scalar_group/xcosx", "."),
    ),
    _of(
        "jwyang/faster-rcnn.pytorch trainval_net.py",
        ("logs_s_1/losses/loss", "logs_s_1/losses", STEPS, "logs_s_1/losses/loss", "."),
        ("logs_s_1/losses/loss_rpn_cls", "logs_s_1/losses", STEPS, "logs_s_1/losses/loss_rpn_cls", "."),
        ("logs_s_1/losses/loss_rpn_box", "logs_s_1/losses", STEPS, "logs_s_1/losses/loss_rpn_box", "."),
    ),
]

# Runs that look like splits, and directories that look like runs.
RUNS = [
    _of(
        "ultralytics/ultralytics ultralytics/utils/callbacks/tensorboard.py",
        ("detect/train", "train/box_loss", EPOCHS, "box_loss"),
        ("detect/train", "val/box_loss", EPOCHS, "val_box_loss"),
        ("detect/train", "metrics/mAP50(B)", EPOCHS, "mAP50(B)"),
        ("detect/train", "lr/pg0", EPOCHS, "lr/pg0"),
        ("detect/train", "lr/pg1", EPOCHS, "lr/pg1"),
        ("detect/train2", "train/box_loss", EPOCHS, "box_loss"),
        ("detect/train2", "val/box_loss", EPOCHS, "val_box_loss"),
        ("segment/train", "train/seg_loss", EPOCHS, "seg_loss"),
        ("segment/train", "val/seg_loss", EPOCHS, "val_seg_loss"),
    ),
    _of(
        "tongye98/SourceCodeSummary test/test_tensorboard.py",
        ("test/tensorboard3", "Train/batch_loss", 2, "loss"),
    ),
    _of(
        "tensorflow/tensorboard docs/hyperparameter_tuning_with_hparams.ipynb",
        ("run-0", "accuracy", ONCE, "accuracy"),
        ("run-1", "accuracy", ONCE, "accuracy"),
        ("run-2", "accuracy", ONCE, "accuracy"),
    ),
    _of(
        "smiyawaki0820/showcase_miyawaki MLOps/tensorboard/README.md",  # add_hparams repeats the best of the curves
        (".", "Loss/train", EPOCHS, "loss"),
        (".", "Loss/valid", EPOCHS, "val_loss"),
        (".", "Acc/train", EPOCHS, "acc"),
        (".", "Acc/valid", EPOCHS, "val_acc"),
        (".", "Av.Rank/valid", EPOCHS, "val_Av.Rank"),
        ("1612345678.1234567", "valid_loss", ONCE, "valid_loss", "."),
        ("1612345678.1234567", "valid_acc", ONCE, "valid_acc", "."),
        ("1612345678.1234567", "best_epoch", ONCE, "best_epoch", "."),
    ),
    _of(
        "lanpa/tensorboardX examples/demo_hparams.py",  # nothing in the parent, several times: each is a run
        ("1573400000.1234567", "accuracy", ONCE, "accuracy"),
        ("1573400000.1234567", "loss", ONCE, "loss"),
        ("1573400001.7654321", "accuracy", ONCE, "accuracy"),
        ("1573400001.7654321", "loss", ONCE, "loss"),
    ),
]

CONVENTIONS = [
    *SPLIT_IN_THE_TAG,
    *TWICE_OR_IN_THE_MIDDLE,
    *REWARDS,
    *RIVALS,
    *SPLIT_DIRECTORIES,
    *ADD_SCALARS,
    *RUNS,
]
